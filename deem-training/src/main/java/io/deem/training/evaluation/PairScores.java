package io.deem.training.evaluation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** MMVP's pairs (Tong et al. 2024): one counts only if both of its questions are answered right. */
public final class PairScores {

  /** The kinds of MMVP-VLM's pairs, fifteen of each, in the order of its questions. */
  public static final List<String> KINDS =
      List.of(
          "Orientation and Direction",
          "Presence of Specific Features",
          "State and Condition",
          "Quantity and Count",
          "Positional and Relational Context",
          "Color and Appearance",
          "Structural Characteristics",
          "Texts",
          "Viewpoint and Perspective");

  private static final int PAIRS_PER_KIND = 15;

  private PairScores() {}

  /**
   * A pair of pictures and statements, as an image-text model scores it.
   *
   * @param logits [statement][image]
   * @param questions the questions' numbers; an odd one's statement belongs to the first picture
   */
  @SuppressWarnings("ArrayRecordComponent") // four numbers, read only
  public record Scored(double[][] logits, int[] questions) {

    /** Probability that a statement belongs to the first picture: softmax over both pictures. */
    public double first(int statement) {
      double[] two = logits[statement];
      return 1 / (1 + Math.exp(two[1] - two[0]));
    }

    /** Whether a statement is given to its own picture; equal logits go to the second one. */
    public boolean right(int statement) {
      return first(statement) > 0.5 == (questions[statement] % 2 == 1);
    }

    /** Whether both are. */
    public boolean right() {
      return right(0) && right(1);
    }
  }

  /**
   * Percent of right pairs by kind, with a last entry {@code average_score} over the nine kinds. As
   * the official script, it divides by the ninth part of all pairs.
   */
  public static Map<String, Double> percentByKind(List<Scored> pairs) {
    int[] right = new int[KINDS.size()];
    for (int i = 0; i < pairs.size(); i++) {
      if (pairs.get(i).right()) {
        right[Math.min(i / PAIRS_PER_KIND, right.length - 1)]++;
      }
    }
    Map<String, Double> percent = new LinkedHashMap<>();
    double sum = 0;
    int pairsOfKind = pairs.size() / KINDS.size();
    for (int kind = 0; kind < right.length; kind++) {
      double value = (double) right[kind] / pairsOfKind * 100;
      percent.put(KINDS.get(kind), value);
      sum += value;
    }
    percent.put("average_score", sum / KINDS.size());
    return percent;
  }

  /**
   * Right pairs among graded answers of a language model, two by two.
   *
   * @param grades {@code yes}, exactly so, where an answer is right
   */
  public static int rightPairs(List<String> grades) {
    int right = 0;
    for (int i = 0; i + 1 < grades.size(); i += 2) {
      right += grades.get(i).equals("yes") && grades.get(i + 1).equals("yes") ? 1 : 0;
    }
    return right;
  }
}
