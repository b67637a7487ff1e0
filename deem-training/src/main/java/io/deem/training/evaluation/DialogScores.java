package io.deem.training.evaluation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Visual Dialog's scores of ranked answers (Das et al. 2017). The official NDCG fails on a batch of
 * one dialogue; this one does not.
 *
 * @param recallAt1 share of dialogues whose right answer is ranked first
 * @param recallAt5 the same for the first five
 * @param recallAt10 the same for the first ten
 * @param meanRank of the right answer, from 1
 * @param meanReciprocalRank of the right answer, 0 to 1
 */
public record DialogScores(
    double recallAt1,
    double recallAt5,
    double recallAt10,
    double meanRank,
    double meanReciprocalRank) {

  /** The rank of each option, from 1, the highest score first; equal scores in their order. */
  public static int[] ranks(double[] scores) {
    int[] ranks = new int[scores.length];
    int[] order = order(scores);
    for (int i = 0; i < order.length; i++) {
      ranks[order[i]] = i + 1;
    }
    return ranks;
  }

  /**
   * Scores of the ranks of right answers.
   *
   * @param ranks for each dialogue that of its right answer, from 1
   */
  public static DialogScores of(List<Integer> ranks) {
    return new DialogScores(
        share(ranks, 1),
        share(ranks, 5),
        share(ranks, 10),
        ranks.stream().mapToInt(Integer::intValue).average().orElseThrow(),
        ranks.stream().mapToDouble(rank -> 1.0 / rank).average().orElseThrow());
  }

  private static double share(List<Integer> ranks, int most) {
    return (double) ranks.stream().filter(rank -> rank <= most).count() / ranks.size();
  }

  /**
   * Normalised discounted cumulative gain of a ranking, over as many options as are relevant at
   * all.
   *
   * @param ranks of the options, from 1
   * @param relevance of the options, 0 to 1
   * @return 0 to 1; 0 where nothing is relevant
   */
  public static double ndcg(int[] ranks, double[] relevance) {
    int relevant = (int) Arrays.stream(relevance).filter(r -> r != 0).count();
    int[] predicted = order(Arrays.stream(ranks).mapToDouble(rank -> -rank).toArray());
    double best = gain(order(relevance), relevance, relevant);
    return best == 0 ? 0 : gain(predicted, relevance, relevant) / best;
  }

  private static double gain(int[] order, double[] relevance, int count) {
    double gain = 0;
    for (int i = 0; i < count; i++) {
      gain += relevance[order[i]] / (Math.log(i + 2.0) / Math.log(2));
    }
    return gain;
  }

  private static int[] order(double[] scores) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -scores[i]))
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
