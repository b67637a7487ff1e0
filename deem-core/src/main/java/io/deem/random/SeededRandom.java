package io.deem.random;

/**
 * A source of randomness that gives the same bits for the same seed on every machine and Java
 * version.
 *
 * <p>The generator is xoshiro256++ (Blackman and Vigna, 2019), its four words filled by SplitMix64
 * from the seed. A uniform number is the top 24 bits times 2^-24. A bounded integer is the high
 * word of the product of 32 bits and the bound, with Lemire's rejection so that no value is
 * favoured. Normal draws come in pairs from Marsaglia's polar method; an array of odd length throws
 * the last one of its last pair away, so that no draw is kept between calls and the four words are
 * the whole state.
 */
public final class SeededRandom implements RandomSource {

  private static final int STATE_WORDS = 4;
  private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private long s0;
  private long s1;
  private long s2;
  private long s3;

  /**
   * Starts from a seed.
   *
   * @param seed any number
   */
  public SeededRandom(long seed) {
    long counter = seed;
    s0 = splitMix(counter += GOLDEN_RATIO);
    s1 = splitMix(counter += GOLDEN_RATIO);
    s2 = splitMix(counter += GOLDEN_RATIO);
    s3 = splitMix(counter + GOLDEN_RATIO);
  }

  @Override
  public void gaussian(float[] out) {
    for (int i = 0; i < out.length; i += 2) {
      double x;
      double y;
      double square;
      do {
        x = 2 * uniformDouble() - 1;
        y = 2 * uniformDouble() - 1;
        square = x * x + y * y;
      } while (square >= 1 || square == 0);
      // StrictMath: the intrinsic logarithm may differ in its last bit between machines.
      double scale = Math.sqrt(-2 * StrictMath.log(square) / square);
      out[i] = (float) (x * scale);
      if (i + 1 < out.length) {
        out[i + 1] = (float) (y * scale);
      }
    }
  }

  @Override
  public float uniform() {
    return (nextLong() >>> 40) * 0x1p-24f;
  }

  @Override
  public int uniformInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive, got " + bound);
    }
    long product = (nextLong() >>> 32) * bound;
    long low = product & 0xFFFFFFFFL;
    if (low < bound) {
      long threshold = (1L << 32) % bound;
      while (low < threshold) {
        product = (nextLong() >>> 32) * bound;
        low = product & 0xFFFFFFFFL;
      }
    }
    return (int) (product >>> 32);
  }

  @Override
  public long[] state() {
    return new long[] {s0, s1, s2, s3};
  }

  @Override
  public void restore(long[] state) {
    if (state.length != STATE_WORDS || (state[0] | state[1] | state[2] | state[3]) == 0) {
      throw new IllegalArgumentException(
          "a random state is four words, not all of them zero; got " + state.length + " words");
    }
    s0 = state[0];
    s1 = state[1];
    s2 = state[2];
    s3 = state[3];
  }

  private double uniformDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  private long nextLong() {
    long result = Long.rotateLeft(s0 + s3, 23) + s0;
    long shifted = s1 << 17;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = Long.rotateLeft(s3, 45);
    return result;
  }

  private static long splitMix(long counter) {
    long mixed = (counter ^ (counter >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
