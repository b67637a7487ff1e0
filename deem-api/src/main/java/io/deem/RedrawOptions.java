package io.deem;

/**
 * How a picture is redrawn. Immutable; start from {@link #defaults()}.
 *
 * @param steps of denoising, 1 to 1000
 * @param guidanceScale how far the picture is pushed towards what was seen; 1 for no push
 * @param seed of the noise
 */
public record RedrawOptions(int steps, double guidanceScale, long seed) {

  private static final RedrawOptions DEFAULTS = new RedrawOptions(30, 3.5, 0);

  public RedrawOptions {
    if (steps < 1 || steps > 1000) {
      throw new IllegalArgumentException("steps must be from 1 to 1000, not " + steps);
    }
    if (!(guidanceScale >= 0 && guidanceScale < 1000)) {
      throw new IllegalArgumentException("guidanceScale must be at least 0, not " + guidanceScale);
    }
  }

  /** 30 steps, guidance 3.5, seed 0. */
  public static RedrawOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another number of steps. */
  public RedrawOptions withSteps(int count) {
    return new RedrawOptions(count, guidanceScale, seed);
  }

  /** These options with another guidance scale. */
  public RedrawOptions withGuidanceScale(double scale) {
    return new RedrawOptions(steps, scale, seed);
  }

  /** These options with another seed. */
  public RedrawOptions withSeed(long value) {
    return new RedrawOptions(steps, guidanceScale, value);
  }
}
