package io.deem.mini.recipe;

import io.deem.random.RandomSource;
import io.deem.training.InitialWeights;

/**
 * Starts the resampler so that query i reads cell i of the picture, which saves it from having to
 * find that out: positions are told apart by waves over the grid, the queries are those positions,
 * and queries and keys are projected alike.
 */
final class AnchoredQueries {

  private static final int GRID = MiniArchitecture.GRID;
  private static final int WIDTH = MiniArchitecture.ENCODER_WIDTH;

  /** Waves of these many half periods over twice the grid, in each direction. */
  private static final int WAVES = 4;

  private static final String RESAMPLER = "visual_tokenizer.perceiver_resampler.";

  private AnchoredQueries() {}

  /** Sets the position table, the queries, and the query and key projections of every layer. */
  static void set(InitialWeights weights, int layers, long seed) {
    float[] grid = positions(seed);
    float[] table = new float[(1 + GRID * GRID) * WIDTH];
    System.arraycopy(grid, 0, table, WIDTH, grid.length);
    weights.set("visual_tokenizer.pos_embed", () -> table);
    int out = MiniArchitecture.LANGUAGE_WIDTH;
    float[] queries = new float[GRID * GRID * out];
    for (int i = 0; i < GRID * GRID; i++) {
      System.arraycopy(grid, i * WIDTH, queries, i * out, WIDTH);
    }
    weights.set(RESAMPLER + "queries", () -> queries);
    for (int layer = 0; layer < layers; layer++) {
      String attention =
          RESAMPLER + "blip2qformer.encoder.layer." + layer + ".crossattention.attention.";
      float[] key = gaussian(seed + layer, out * WIDTH, 1 / Math.sqrt(WIDTH));
      float[] query = new float[out * out];
      for (int row = 0; row < out; row++) {
        System.arraycopy(key, row * WIDTH, query, row * out, WIDTH);
      }
      weights.set(attention + "key.weight", () -> key);
      weights.set(attention + "query.weight", () -> query);
    }
  }

  /** [cells, width], of unit variance. */
  private static float[] positions(long seed) {
    int features = 4 * WAVES;
    float[] mixing = gaussian(seed, WIDTH * features, Math.sqrt(2.0 / features));
    float[] table = new float[GRID * GRID * WIDTH];
    double[] wave = new double[features];
    for (int cell = 0; cell < GRID * GRID; cell++) {
      for (int k = 0; k < WAVES; k++) {
        double x = Math.PI * (k + 1) * (cell % GRID) / GRID;
        int row = cell / GRID;
        double y = Math.PI * (k + 1) * row / GRID;
        wave[4 * k] = Math.cos(x);
        wave[4 * k + 1] = Math.sin(x);
        wave[4 * k + 2] = Math.cos(y);
        wave[4 * k + 3] = Math.sin(y);
      }
      for (int i = 0; i < WIDTH; i++) {
        for (int f = 0; f < features; f++) {
          table[cell * WIDTH + i] += (float) (mixing[i * features + f] * wave[f]);
        }
      }
    }
    return table;
  }

  private static float[] gaussian(long seed, int count, double deviation) {
    float[] draws = new float[count];
    RandomSource.seeded(seed).gaussian(draws);
    for (int i = 0; i < count; i++) {
      draws[i] *= (float) deviation;
    }
    return draws;
  }
}
