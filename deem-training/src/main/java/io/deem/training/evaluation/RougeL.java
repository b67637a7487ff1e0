package io.deem.training.evaluation;

import java.util.List;

/**
 * ROUGE-L of captions (Lin 2004) as COCO's caption evaluation computes it: the longest common
 * subsequence, with the best precision and the best recall over the references, each for itself,
 * and beta 1.2.
 */
public final class RougeL {

  private static final double BETA_SQUARED = 1.2 * 1.2;

  private RougeL() {}

  /** The score of a caption, 0 to 1. */
  public static double of(CaptionScores.Item item) {
    // Split at each single space: an empty text is one empty word.
    List<String> words = List.of(item.hypothesis().split(" ", -1));
    double precision = 0;
    double recall = 0;
    for (String text : item.references()) {
      List<String> reference = List.of(text.split(" ", -1));
      double common = common(words, reference);
      precision = Math.max(precision, common / words.size());
      recall = Math.max(recall, common / reference.size());
    }
    return precision == 0 || recall == 0
        ? 0
        : (1 + BETA_SQUARED) * precision * recall / (recall + BETA_SQUARED * precision);
  }

  private static int common(List<String> a, List<String> b) {
    int[] previous = new int[b.size() + 1];
    for (String word : a) {
      int[] row = new int[b.size() + 1];
      for (int j = 1; j < row.length; j++) {
        row[j] =
            word.equals(b.get(j - 1)) ? previous[j - 1] + 1 : Math.max(previous[j], row[j - 1]);
      }
      previous = row;
    }
    return previous[b.size()];
  }
}
