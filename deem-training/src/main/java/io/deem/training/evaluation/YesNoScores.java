package io.deem.training.evaluation;

import java.util.Arrays;
import java.util.List;

/**
 * Yes/no answers counted as the object hallucination benchmark does (Li et al. 2023, "POPE"); "yes"
 * is the positive class.
 *
 * @param truePositives yes where it is yes
 * @param falsePositives yes where it is no
 * @param trueNegatives no where it is no
 * @param falseNegatives no where it is yes
 */
public record YesNoScores(
    int truePositives, int falsePositives, int trueNegatives, int falseNegatives) {

  /** Counts. */
  public static YesNoScores of(boolean[] answers, boolean[] labels) {
    if (answers.length != labels.length) {
      throw new IllegalArgumentException(
          answers.length + " answers to " + labels.length + " questions");
    }
    int[] counts = new int[4];
    for (int i = 0; i < answers.length; i++) {
      counts[(answers[i] ? 0 : 2) + (answers[i] == labels[i] ? 0 : 1)]++;
    }
    return new YesNoScores(counts[0], counts[1], counts[2], counts[3]);
  }

  /** What a text says: no if its first sentence has the word "No", "no" or "not", else yes. */
  public static boolean saysYes(String text) {
    int dot = text.indexOf('.');
    String sentence = (dot < 0 ? text : text.substring(0, dot)).replace(",", "");
    List<String> words = Arrays.asList(sentence.split(" ", -1));
    return !(words.contains("No") || words.contains("not") || words.contains("no"));
  }

  /** All questions. */
  public int count() {
    return truePositives + falsePositives + trueNegatives + falseNegatives;
  }

  /** Share of right answers, 0 to 1. */
  public double accuracy() {
    return ratio((double) truePositives + trueNegatives, count());
  }

  /** Share of right ones among the answers "yes", 0 to 1; 0 without such an answer. */
  public double precision() {
    return ratio(truePositives, (double) truePositives + falsePositives);
  }

  /** Share of found ones among what is yes, 0 to 1; 0 where nothing is. */
  public double recall() {
    return ratio(truePositives, (double) truePositives + falseNegatives);
  }

  /** Harmonic mean of {@link #precision} and {@link #recall}. */
  public double f1() {
    return ratio(2 * precision() * recall(), precision() + recall());
  }

  /** Share of answers "yes", 0 to 1. */
  public double yesShare() {
    return ratio((double) truePositives + falsePositives, count());
  }

  private static double ratio(double part, double whole) {
    return whole == 0 ? 0 : part / whole;
  }
}
