package io.deem.training.evaluation;

import io.deem.random.RandomSource;
import java.util.Arrays;

/**
 * A mean with its 95 % interval.
 *
 * @param mean of all
 * @param low what 2.5 % of the resampled means fall below
 * @param high what 2.5 % of the resampled means exceed
 */
public record Interval(double mean, double low, double high) {

  /** Times that the items are drawn anew. */
  public static final int RESAMPLES = 2000;

  private static final double TAIL = 0.025;

  /** Computes a number from a selection of items, each maybe several times. */
  @FunctionalInterface
  public interface Statistic {
    /** The number for the items of these indices. */
    double of(int[] items);
  }

  /**
   * The interval of a mean: items are drawn with replacement (Efron 1979, percentile bootstrap).
   *
   * @param values one an item; where items come in groups that belong together, one a group
   * @param seed equal seeds give equal intervals
   */
  public static Interval ofMean(double[] values, long seed) {
    return of(
        values.length,
        items -> {
          double sum = 0;
          for (int item : items) {
            sum += values[item];
          }
          return sum / items.length;
        },
        seed);
  }

  /**
   * The interval of the difference between two models on the same items: each item's difference is
   * drawn, so that what is hard for both cancels out.
   *
   * @param first of one model, an item each
   * @param second of the other, on the same items
   * @return of first minus second
   */
  public static Interval ofDifference(double[] first, double[] second, long seed) {
    if (first.length != second.length) {
      throw new IllegalArgumentException(
          "models answered " + first.length + " and " + second.length + " questions");
    }
    double[] differences = new double[first.length];
    Arrays.setAll(differences, i -> first[i] - second[i]);
    return ofMean(differences, seed);
  }

  /** The interval of any number computed from items. */
  public static Interval of(int items, Statistic statistic, long seed) {
    if (items == 0) {
      return new Interval(Double.NaN, Double.NaN, Double.NaN);
    }
    int[] drawn = new int[items];
    Arrays.setAll(drawn, i -> i);
    double mean = statistic.of(drawn);
    RandomSource random = RandomSource.seeded(seed);
    double[] means = new double[RESAMPLES];
    for (int i = 0; i < means.length; i++) {
      random.uniformInts(items, drawn);
      means[i] = statistic.of(drawn);
    }
    Arrays.sort(means);
    return new Interval(mean, quantile(means, TAIL), quantile(means, 1 - TAIL));
  }

  /** Linear between neighbouring values. */
  private static double quantile(double[] sorted, double share) {
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
