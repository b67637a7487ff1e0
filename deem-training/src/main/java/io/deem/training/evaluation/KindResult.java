package io.deem.training.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How a model did on one kind of question.
 *
 * @param kind its name
 * @param mode how answers were taken
 * @param n what was counted: questions, or groups where a group has to be right as a whole
 * @param accuracy share that is right, with its interval; groups are drawn together
 * @param yesNo counts of yes and no, where all questions are of that kind
 * @param options mean count of options; nothing where anything could be answered
 */
public record KindResult(
    String kind,
    AnswerMode mode,
    int n,
    Interval accuracy,
    Optional<YesNoScores> yesNo,
    OptionalDouble options) {

  /** What counts as one. */
  public enum Counting {
    /** Each question. */
    QUESTIONS,
    /** Each group, right only if all of its questions are. */
    GROUPS
  }

  /**
   * The result of answers of one kind.
   *
   * @param answers at least one
   * @param seed of the interval
   */
  public static KindResult of(
      String kind, List<Answered> answers, AnswerMode mode, Counting counting, long seed) {
    double[][] groups = groups(answers, mode);
    boolean yesNo = answers.stream().allMatch(answered -> answered.item().yesNo());
    OptionalDouble options =
        answers.stream()
            .mapToInt(answered -> answered.item().options().size())
            .filter(count -> count > 0)
            .average();
    Interval accuracy =
        counting == Counting.GROUPS
            ? Interval.ofMean(scores(answers, mode, counting), seed)
            : Interval.of(groups.length, drawn -> mean(groups, drawn), seed);
    return new KindResult(
        kind,
        mode,
        counting == Counting.GROUPS ? groups.length : answers.size(),
        accuracy,
        yesNo ? Optional.of(yesNo(answers, mode)) : Optional.empty(),
        options);
  }

  /**
   * One number for each group, for comparing two models pair by pair: its mean score, or whether
   * all of it is right.
   */
  public static double[] scores(List<Answered> answers, AnswerMode mode, Counting counting) {
    return Arrays.stream(groups(answers, mode))
        .mapToDouble(
            group ->
                counting == Counting.GROUPS
                    ? (Arrays.stream(group).allMatch(score -> score == 1) ? 1 : 0)
                    : Arrays.stream(group).average().orElseThrow())
        .toArray();
  }

  private static double mean(double[][] groups, int[] drawn) {
    double sum = 0;
    int count = 0;
    for (int group : drawn) {
      for (double score : groups[group]) {
        sum += score;
        count++;
      }
    }
    return sum / count;
  }

  private static double[][] groups(List<Answered> answers, AnswerMode mode) {
    Map<String, List<Double>> byGroup = new LinkedHashMap<>();
    for (Answered answered : answers) {
      byGroup
          .computeIfAbsent(answered.item().group(), group -> new ArrayList<>())
          .add(answered.score(mode));
    }
    return byGroup.values().stream()
        .map(scores -> scores.stream().mapToDouble(Double::doubleValue).toArray())
        .toArray(double[][]::new);
  }

  private static YesNoScores yesNo(List<Answered> answers, AnswerMode mode) {
    boolean[] given = new boolean[answers.size()];
    boolean[] right = new boolean[answers.size()];
    for (int i = 0; i < given.length; i++) {
      given[i] = answers.get(i).saysYes(mode);
      right[i] = answers.get(i).item().answer().equals("yes");
    }
    return YesNoScores.of(given, right);
  }
}
