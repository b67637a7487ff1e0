package io.deem.training.evaluation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * BLEU of captions (Papineni et al. 2002) as COCO's caption evaluation computes it: clipped counts
 * against all references, the closest reference's length (the shorter on ties).
 */
public final class Bleu {

  private static final double SMALL = 1e-9;
  private static final double TINY = 1e-15;

  private Bleu() {}

  /**
   * Scores.
   *
   * @param whole BLEU-1 to BLEU-4 of all captions together, 0 to 1
   * @param each the same for each caption alone
   */
  @SuppressWarnings("ArrayRecordComponent") // four numbers, read only
  public record Scores(double[] whole, List<double[]> each) {}

  /** Counts of one caption, or of all. */
  private static final class Counts {
    private final double[] correct = new double[NGrams.LONGEST];
    private final double[] guessed = new double[NGrams.LONGEST];
    private double length;
    private double reference;

    void add(Counts other) {
      for (int k = 0; k < correct.length; k++) {
        correct[k] += other.correct[k];
        guessed[k] += other.guessed[k];
      }
      length += other.length;
      reference += other.reference;
    }

    double[] scores() {
      double[] scores = new double[correct.length];
      double product = 1;
      double ratio = (length + TINY) / (reference + SMALL);
      double brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
      for (int k = 0; k < scores.length; k++) {
        product *= (correct[k] + TINY) / (guessed[k] + SMALL);
        scores[k] = Math.pow(product, 1.0 / (k + 1)) * brevity;
      }
      return scores;
    }
  }

  /** The scores of captions; see {@link CaptionScores}. */
  public static Scores of(List<CaptionScores.Item> items) {
    Counts whole = new Counts();
    List<double[]> each = new ArrayList<>();
    for (CaptionScores.Item item : items) {
      Counts counts = count(item);
      whole.add(counts);
      each.add(counts.scores());
    }
    return new Scores(whole.scores(), each);
  }

  private static Counts count(CaptionScores.Item item) {
    List<String> words = NGrams.words(item.hypothesis());
    List<List<String>> references = item.references().stream().map(NGrams::words).toList();
    Counts counts = new Counts();
    counts.length = words.size();
    counts.reference = closest(words.size(), references);
    for (int k = 1; k <= NGrams.LONGEST; k++) {
      Map<List<String>, Integer> most = new HashMap<>();
      for (List<String> reference : references) {
        NGrams.count(reference, k).forEach((gram, count) -> most.merge(gram, count, Math::max));
      }
      counts.guessed[k - 1] = Math.max(0, words.size() - k + 1);
      for (Map.Entry<List<String>, Integer> gram : NGrams.count(words, k).entrySet()) {
        counts.correct[k - 1] += Math.min(gram.getValue(), most.getOrDefault(gram.getKey(), 0));
      }
    }
    return counts;
  }

  private static int closest(int length, List<List<String>> references) {
    int best = references.get(0).size();
    for (List<String> reference : references) {
      int difference = Math.abs(reference.size() - length) - Math.abs(best - length);
      if (difference < 0 || (difference == 0 && reference.size() < best)) {
        best = reference.size();
      }
    }
    return best;
  }
}
