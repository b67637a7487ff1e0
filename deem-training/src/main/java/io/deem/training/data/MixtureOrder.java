package io.deem.training.data;

import io.deem.random.Permutations;
import io.deem.random.RandomSource;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * Which of several parts comes at which place, so that any stretch of {@value #BLOCK} places has
 * each part in proportion to its weight, and a place can be looked up without those before it.
 */
final class MixtureOrder {

  /** Places that share one shuffled quota. */
  static final int BLOCK = 1024;

  private static final int KEPT_BLOCKS = 8;

  private final long seed;
  private final int[] quotas;
  private final Map<Long, Block> blocks = new ConcurrentHashMap<>();

  /** For each place of a block its part, and how many of that part came before in the block. */
  private record Block(int[] parts, int[] ranks) {}

  /**
   * What comes at a place.
   *
   * @param part its number
   * @param turn how many of this part came before, over all blocks
   */
  record Turn(int part, long turn) {}

  /**
   * An order.
   *
   * @param weights positive and finite; a part of a very small weight still comes once in a block
   */
  MixtureOrder(double[] weights, long seed) {
    if (weights.length == 0 || weights.length > BLOCK / 2) {
      throw new IllegalArgumentException("a mixture of " + weights.length + " data sets");
    }
    for (double weight : weights) {
      if (!(weight > 0 && weight < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("a weight must be more than 0, and is " + weight);
      }
    }
    this.seed = seed;
    this.quotas = quotas(weights);
  }

  /** What comes at a place, from 0. */
  Turn at(long place) {
    if (quotas.length == 1) {
      return new Turn(0, place);
    }
    long number = place / BLOCK;
    if (blocks.size() > KEPT_BLOCKS) {
      blocks.clear();
    }
    Block block = blocks.computeIfAbsent(number, this::block);
    int within = (int) (place % BLOCK);
    int part = block.parts[within];
    return new Turn(part, number * quotas[part] + block.ranks[within]);
  }

  private Block block(long number) {
    int[] parts = new int[BLOCK];
    int at = 0;
    for (int part = 0; part < quotas.length; part++) {
      Arrays.fill(parts, at, at + quotas[part], part);
      at += quotas[part];
    }
    int[] order =
        Permutations.shuffled(BLOCK, RandomSource.seeded(SampleOrder.mix(seed, 1, number)));
    int[] shuffled = Arrays.stream(order).map(i -> parts[i]).toArray();
    int[] seen = new int[quotas.length];
    int[] ranks = Arrays.stream(shuffled).map(part -> seen[part]++).toArray();
    return new Block(shuffled, ranks);
  }

  /** Places of a block for each part, by the largest remainder, at least one. */
  private static int[] quotas(double[] weights) {
    double sum = Arrays.stream(weights).sum();
    double[] exact = Arrays.stream(weights).map(w -> w / sum * BLOCK).toArray();
    int[] quotas = Arrays.stream(exact).mapToInt(e -> Math.max(1, (int) e)).toArray();
    int left = BLOCK - Arrays.stream(quotas).sum();
    Integer[] byRemainder = IntStream.range(0, exact.length).boxed().toArray(Integer[]::new);
    Arrays.sort(byRemainder, Comparator.comparingDouble(i -> quotas[i] - exact[i]));
    for (int i = 0; left > 0; i++, left--) {
      quotas[byRemainder[i % quotas.length]]++;
    }
    while (left < 0) {
      int largest =
          IntStream.range(0, quotas.length)
              .boxed()
              .max(Comparator.comparing(i -> quotas[i]))
              .orElse(0);
      quotas[largest]--;
      left++;
    }
    return quotas;
  }
}
