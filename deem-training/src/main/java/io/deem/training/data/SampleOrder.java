package io.deem.training.data;

/**
 * A random order of a data set's samples that needs no memory: the sample at a place of an epoch is
 * computed from the seed, the epoch and the place. The order is a permutation made by a Feistel
 * network (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"), whose round function
 * is SplitMix64's.
 */
public final class SampleOrder {

  private static final int ROUNDS = 6;
  private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private SampleOrder() {}

  /**
   * The sample at a place.
   *
   * @param size samples in the data set, at least 1
   * @param seed of the run
   * @param epoch how often the data set has been gone through before
   * @param place in the epoch, from 0 to size - 1
   * @return from 0 to size - 1; each exactly once in an epoch
   */
  public static long at(long size, long seed, long epoch, long place) {
    if (size < 1 || place < 0 || place >= size) {
      throw new IllegalArgumentException("place " + place + " of " + size + " samples");
    }
    int half = Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(size - 1) + 1) / 2);
    long key = mix(seed, epoch);
    long value = place;
    do {
      value = permuted(value, half, key);
      // Values past the end are walked on from; the walk comes back, as it is a permutation.
    } while (value >= size);
    return value;
  }

  private static long permuted(long value, int half, long key) {
    long mask = (1L << half) - 1;
    long left = value >>> half;
    long right = value & mask;
    for (int round = 0; round < ROUNDS; round++) {
      long next = left ^ (mix(key + round, right) & mask);
      left = right;
      right = next;
    }
    return left << half | right;
  }

  /** A number that depends on all bits of all given. */
  static long mix(long... parts) {
    long state = 0;
    for (long part : parts) {
      long z = (state + GOLDEN_RATIO) ^ scramble(part + GOLDEN_RATIO);
      state = scramble(z);
    }
    return state;
  }

  private static long scramble(long z) {
    long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
    return b ^ (b >>> 31);
  }
}
