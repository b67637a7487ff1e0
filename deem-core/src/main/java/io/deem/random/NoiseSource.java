package io.deem.random;

/** Where standard normal noise comes from. */
@FunctionalInterface
public interface NoiseSource {

  /**
   * Fills an array with independent draws from the normal distribution of mean 0 and variance 1.
   *
   * @param out the array to fill, all of it, in order
   */
  void gaussian(float[] out);
}
