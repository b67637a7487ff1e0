package io.deem.random;

import java.util.Collections;
import java.util.List;

/**
 * The generator of Python's {@code random} module, for orders that a reference has fixed by its
 * seed: Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded from the words of an
 * integer. Everything else in the project draws from {@link RandomSource}. For one thread.
 */
public final class PythonRandom {

  private static final int WORDS = 624;
  private static final int MIDDLE = 397;
  private static final int UPPER = 0x80000000;
  private static final int LOWER = 0x7fffffff;
  private static final int TWIST = 0x9908b0df;

  private final int[] state = new int[WORDS];
  private int used = WORDS;

  /**
   * Starts as {@code random.seed(seed)} does.
   *
   * @param seed any number; as in Python, its sign does not count
   */
  public PythonRandom(long seed) {
    long magnitude = Math.abs(seed);
    int low = (int) magnitude;
    int high = (int) (magnitude >>> Integer.SIZE);
    seed(high == 0 ? new int[] {low} : new int[] {low, high});
  }

  private void seed(int[] key) {
    state[0] = 19650218;
    for (int i = 1; i < WORDS; i++) {
      state[i] = 1812433253 * mixed(i - 1) + i;
    }
    int at = 1;
    int k = 0;
    for (int round = 0; round < WORDS; round++) {
      state[at] = (state[at] ^ mixed(at - 1) * 1664525) + key[k] + k;
      at = following(at);
      k = (k + 1) % key.length;
    }
    for (int round = 1; round < WORDS; round++) {
      state[at] = (state[at] ^ mixed(at - 1) * 1566083941) - at;
      at = following(at);
    }
    state[0] = UPPER;
  }

  private int mixed(int at) {
    return state[at] ^ state[at] >>> 30;
  }

  private int following(int at) {
    if (at + 1 < WORDS) {
      return at + 1;
    }
    state[0] = state[WORDS - 1];
    return 1;
  }

  private int nextWord() {
    if (used == WORDS) {
      for (int i = 0; i < WORDS; i++) {
        int joined = (state[i] & UPPER) | (state[(i + 1) % WORDS] & LOWER);
        int twisted = (joined >>> 1) ^ ((joined & 1) == 0 ? 0 : TWIST);
        state[i] = state[(i + MIDDLE) % WORDS] ^ twisted;
      }
      used = 0;
    }
    int word = state[used++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return word ^ (word >>> 18);
  }

  /** A number that is uniform in [0, 1), as {@code random.random()}. */
  public double uniform() {
    int high = nextWord() >>> 5;
    int low = nextWord() >>> 6;
    return (high * 0x1p26 + low) * 0x1p-53;
  }

  /**
   * An integer, each value equally likely, as {@code random.randrange(bound)}.
   *
   * @param bound one more than the largest value; positive
   */
  public int uniformInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive, got " + bound);
    }
    int unused = Integer.numberOfLeadingZeros(bound);
    int value;
    do {
      value = nextWord() >>> unused;
    } while (value >= bound);
    return value;
  }

  /** Brings a list into a random order, as {@code random.shuffle(list)}. */
  public void shuffle(List<?> list) {
    for (int last = list.size() - 1; last > 0; last--) {
      Collections.swap(list, last, uniformInt(last + 1));
    }
  }
}
