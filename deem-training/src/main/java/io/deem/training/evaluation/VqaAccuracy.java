package io.deem.training.evaluation;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Accuracy by several annotators (Antol et al. 2015, "VQA"): an answer is as right as the others
 * agree, min(1, n/3) for n of them, averaged over leaving each annotator out.
 */
public final class VqaAccuracy {

  private static final double ENOUGH = 3;

  private VqaAccuracy() {}

  /**
   * VQAv2's: answers are normalised, on both sides, unless all annotators say the same.
   *
   * @param answers one an annotator
   * @return from 0 to 1
   */
  public static double vqa(String prediction, List<String> answers) {
    String given = AnswerText.spaced(prediction);
    boolean unanimous = new HashSet<>(answers).size() <= 1;
    return unanimous
        ? agreement(given, answers)
        : agreement(VqaText.normalise(given), answers.stream().map(VqaText::normalise).toList());
  }

  /**
   * VizWiz's: the prediction is always normalised, the annotators' answers never.
   *
   * @return from 0 to 1
   */
  public static double vizWiz(String prediction, List<String> answers) {
    return agreement(VqaText.normaliseForVizWiz(AnswerText.spaced(prediction)), answers);
  }

  private static double agreement(String prediction, List<String> answers) {
    if (answers.isEmpty()) {
      throw new IllegalArgumentException("no annotator has answered");
    }
    long matching = answers.stream().filter(prediction::equals).count();
    double sum = 0;
    for (String left : answers) {
      long others = matching - (left.equals(prediction) ? 1 : 0);
      sum += Math.min(1, others / ENOUGH);
    }
    return sum / answers.size();
  }

  /**
   * Percent, rounded to two places as the official scorer rounds.
   *
   * @param accuracies from 0 to 1
   */
  public static double percent(List<Double> accuracies) {
    double sum = 0;
    for (double each : accuracies) {
      sum += each;
    }
    return Rounding.twoPlaces(100 * (sum / accuracies.size()));
  }

  /** {@link #percent} for each kind of question. */
  public static Map<String, Double> percentByKind(List<String> kinds, List<Double> accuracies) {
    Map<String, List<Double>> byKind = new LinkedHashMap<>();
    for (int i = 0; i < kinds.size(); i++) {
      byKind.computeIfAbsent(kinds.get(i), kind -> new ArrayList<>()).add(accuracies.get(i));
    }
    Map<String, Double> percent = new LinkedHashMap<>();
    byKind.forEach((kind, values) -> percent.put(kind, percent(values)));
    return percent;
  }
}
