package io.deem.mini.recipe;

import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.mini.SceneGenerator;
import io.deem.model.VisualTokenizer;
import java.util.Arrays;

/**
 * Zero-shot recognition: of all labels the one whose embedding the visual token of an object's cell
 * points at most. Cells where nothing lies do not count.
 */
final class NounAccuracy {

  private static final int SCENES_PER_BATCH = 20;
  private static final int WIDTH = MiniArchitecture.LANGUAGE_WIDTH;

  private final VisualTokenizer eyes;
  private final Labels labels;
  private final float[] table;

  NounAccuracy(VisualTokenizer eyes, Labels labels) {
    this.eyes = eyes;
    this.labels = labels;
    this.table = labels.embeddings().clone();
    for (int i = 0; i < table.length; i += WIDTH) {
      double square = 0;
      for (int k = 0; k < WIDTH; k++) {
        square += table[i + k] * table[i + k];
      }
      float factor = (float) (1 / Math.sqrt(square + 1e-12));
      for (int k = 0; k < WIDTH; k++) {
        table[i + k] *= factor;
      }
    }
  }

  /** The share of cells named right in the first scenes of a generator. */
  double of(Session session, SceneGenerator scenes, int count) {
    SceneBatches batches = new SceneBatches(scenes, SCENES_PER_BATCH, MiniArchitecture.CANVAS);
    int cells = 0;
    int right = 0;
    for (int done = 0; done < count; done += SCENES_PER_BATCH) {
      SceneBatches.Batch batch = batches.batch(done / SCENES_PER_BATCH);
      long[] truth = CellTruth.of(batch.scenes(), labels).nouns();
      float[] tokens;
      try (Scope scope = session.scope()) {
        Value pixels = scope.floats(batch.pixels(), batches.shape());
        tokens = eyes.forward(scope, pixels, null).tokens().floats();
      }
      for (int cell = 0; cell < truth.length; cell++) {
        if (truth[cell] < labels.size()) {
          cells++;
          float[] token = Arrays.copyOfRange(tokens, cell * WIDTH, (cell + 1) * WIDTH);
          right += nearest(token) == truth[cell] ? 1 : 0;
        }
      }
    }
    return (double) right / cells;
  }

  private int nearest(float[] token) {
    int best = 0;
    double most = Double.NEGATIVE_INFINITY;
    for (int label = 0; label < labels.size(); label++) {
      double product = 0;
      for (int k = 0; k < WIDTH; k++) {
        product += token[k] * table[label * WIDTH + k];
      }
      if (product > most) {
        most = product;
        best = label;
      }
    }
    return best;
  }
}
