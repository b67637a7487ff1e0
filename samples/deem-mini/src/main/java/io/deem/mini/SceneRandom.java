package io.deem.mini;

import java.util.Collections;
import java.util.List;

/**
 * Random numbers that any JDK draws alike, so that a scene is a function of its seed and index. The
 * generator is SplitMix64 (Steele, Lea and Flood, 2014).
 */
final class SceneRandom {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  private SceneRandom(long state) {
    this.state = state;
  }

  /**
   * A stream of its own for every combination of these.
   *
   * @param purpose what the numbers are for
   * @param key such as a seed and an index
   */
  static SceneRandom of(String purpose, long... key) {
    long state = purpose.length();
    for (int i = 0; i < purpose.length(); i++) {
      state = absorb(state, purpose.charAt(i));
    }
    for (long part : key) {
      state = absorb(state, part);
    }
    return new SceneRandom(state);
  }

  private static long absorb(long state, long part) {
    return mix((state + GOLDEN_GAMMA) ^ mix(part));
  }

  private static long mix(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }

  long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** Uniform in [0, 1). */
  double nextDouble() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  /**
   * Uniform in [0, bound). The bias of the method is below 2^-32 for the small bounds used here.
   */
  int nextInt(int bound) {
    return (int) Math.multiplyHigh(nextLong() >>> 1, 2L * bound);
  }

  /** Uniform in [low, high). */
  double between(double low, double high) {
    return low + (high - low) * nextDouble();
  }

  /** True with this probability. */
  boolean chance(double probability) {
    return nextDouble() < probability;
  }

  /** An index, drawn with probability proportional to the weights' steps. */
  int nextIndex(double[] cumulativeWeights) {
    int last = cumulativeWeights.length - 1;
    double point = nextDouble() * cumulativeWeights[last];
    int low = 0;
    int high = last;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (cumulativeWeights[middle] > point) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** One of the elements. */
  <T> T pick(List<T> list) {
    return list.get(nextInt(list.size()));
  }

  /** Puts the list into random order. */
  <T> void shuffle(List<T> list) {
    for (int i = list.size() - 1; i > 0; i--) {
      Collections.swap(list, i, nextInt(i + 1));
    }
  }
}
