package io.deem.random;

/**
 * One source of all randomness of a run: noise, time steps, classifier-free drops, sampled tokens,
 * shuffles. Draws depend on the calls made before, so a source belongs to one thread.
 *
 * <p>{@link SeededRandom} draws from a generator; {@link StoredDraws} replays recorded draws.
 */
public interface RandomSource extends NoiseSource {

  /**
   * Draws a number that is uniform in [0, 1).
   *
   * @return the number, a multiple of 2^-24
   */
  float uniform();

  /**
   * Draws an integer, each value equally likely.
   *
   * @param bound one more than the largest value; positive
   * @return an integer in [0, bound)
   */
  int uniformInt(int bound);

  /**
   * Fills an array with uniform draws in [0, 1).
   *
   * @param out the array to fill, in order
   */
  default void uniform(float[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = uniform();
    }
  }

  /**
   * Fills an array with uniform integers.
   *
   * @param bound one more than the largest value; positive
   * @param out the array to fill, in order
   */
  default void uniformInts(int bound, int[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = uniformInt(bound);
    }
  }

  /**
   * Reads the state, from which {@link #restore} continues with the same draws.
   *
   * @return a copy of the state; its length and meaning are the source's own
   */
  long[] state();

  /**
   * Continues from a state that {@link #state} of the same kind of source gave.
   *
   * @param state the state
   * @throws IllegalArgumentException if it cannot be a state of this kind of source
   */
  void restore(long[] state);

  /**
   * Makes a source from a seed.
   *
   * @param seed any number; equal seeds give equal draws on every machine
   * @return a new source
   */
  static RandomSource seeded(long seed) {
    return new SeededRandom(seed);
  }
}
