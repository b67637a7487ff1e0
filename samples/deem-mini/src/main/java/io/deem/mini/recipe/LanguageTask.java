package io.deem.mini.recipe;

import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.mini.Captions;
import io.deem.mini.Questions;
import io.deem.mini.Scene;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Teaches the language model what questions mean before the encoder can see: visual tokens are made
 * from the truth, the embedding of the noun in each cell with a little of its colour, and noise.
 */
final class LanguageTask implements TrainingTask {

  private static final int WIDTH = MiniArchitecture.LANGUAGE_WIDTH;
  private static final double COLOR_SHARE = 0.4;
  private static final double LARGEST_NOISE = 1.5;

  private final DeemNetwork network;
  private final Labels labels;
  private final SceneBatches batches;
  private final MiniText text;
  private final Captions captions;
  private final Questions questions;
  private final int questionsPerScene;
  private final double captionShare;

  LanguageTask(
      DeemNetwork network,
      Labels labels,
      SceneBatches batches,
      MiniText text,
      Captions captions,
      Questions questions,
      int questionsPerScene,
      double captionShare) {
    this.network = network;
    this.labels = labels;
    this.batches = batches;
    this.text = text;
    this.captions = captions;
    this.questions = questions;
    this.questionsPerScene = questionsPerScene;
    this.captionShare = captionShare;
  }

  @Override
  public int itemsPerStep() {
    return batches.size();
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    List<Scene> scenes = batches.batch(step).scenes();
    List<MiniText.Row> rows = new ArrayList<>();
    for (Scene scene : scenes) {
      rows.add(
          random.uniform() < captionShare
              ? text.caption(captions.caption(scene))
              : text.questions(questions.draw(scene, questionsPerScene)));
    }
    InterleavedBatch batch = text.batch(rows);
    int cells = MiniArchitecture.GRID * MiniArchitecture.GRID;
    Value tokens = scope.floats(tokens(scenes, random), scenes.size(), cells, WIDTH);
    Value embedded = network.language().embed(scope, batch, tokens);
    Value stream = network.language().forward(scope, batch, embedded, null);
    InterleavedBatch.TextTargets targets =
        batch.textTargets(rows.stream().map(MiniText.Row::learnt).toList());
    return new Losses(network.language().textLoss(scope, stream, targets), Map.of());
  }

  /** Visual tokens of the length of word embeddings, [scenes, cells, width]. */
  private float[] tokens(List<Scene> scenes, RandomSource random) {
    CellTruth truth = CellTruth.of(scenes, labels);
    float[] tokens = new float[truth.nouns().length * WIDTH];
    float[] noise = new float[tokens.length];
    random.gaussian(noise);
    int cells = MiniArchitecture.GRID * MiniArchitecture.GRID;
    double level = 0;
    double[] sum = new double[WIDTH];
    for (int cell = 0; cell < truth.nouns().length; cell++) {
      if (cell % cells == 0) {
        level = random.uniform() * LARGEST_NOISE;
      }
      java.util.Arrays.fill(sum, 0);
      int noun = (int) truth.nouns()[cell];
      if (noun < labels.size()) {
        add(sum, labels.embeddings(), noun, 1);
      }
      if (truth.colors()[cell] >= 0) {
        add(sum, labels.colors(), (int) truth.colors()[cell], COLOR_SHARE);
      }
      double square = 1e-12;
      for (int k = 0; k < WIDTH; k++) {
        sum[k] += level * noise[cell * WIDTH + k] / Math.sqrt(WIDTH);
        square += sum[k] * sum[k];
      }
      double scale = labels.meanNorm() / Math.sqrt(square);
      for (int k = 0; k < WIDTH; k++) {
        tokens[cell * WIDTH + k] = (float) (sum[k] * scale);
      }
    }
    return tokens;
  }

  /** Adds a row of a table, brought to unit length, times a factor. */
  private static void add(double[] sum, float[] table, int row, double factor) {
    double square = 0;
    for (int k = 0; k < WIDTH; k++) {
      square += table[row * WIDTH + k] * table[row * WIDTH + k];
    }
    for (int k = 0; k < WIDTH; k++) {
      sum[k] += factor * table[row * WIDTH + k] / Math.sqrt(square);
    }
  }
}
