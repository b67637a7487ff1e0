package io.deem;

import java.util.Objects;

/**
 * How a picture is drawn from words. Immutable; start from {@link #defaults()}.
 *
 * <pre>{@code
 * ImagineOptions options =
 *     ImagineOptions.defaults().withSampler(DiffusionSampler.DPM_SOLVER_2M).withSteps(15);
 * }</pre>
 *
 * @param steps of denoising, 1 to 1000
 * @param guidanceScale how far the picture is pushed towards the words; 1 or less for no push
 * @param seed of the noise: equal seeds give equal pictures
 * @param sampler how noise is turned into a picture
 * @param size of the square picture in pixels, up to 2048; 0 for the size that the model was
 *     trained at, which is best
 */
public record ImagineOptions(
    int steps, double guidanceScale, long seed, DiffusionSampler sampler, int size) {

  private static final int LARGEST = 2048;

  private static final ImagineOptions DEFAULTS =
      new ImagineOptions(30, 3.5, 0, DiffusionSampler.DDIM, 0);

  public ImagineOptions {
    Objects.requireNonNull(sampler, "sampler");
    if (steps < 1 || steps > 1000) {
      throw new IllegalArgumentException("steps must be from 1 to 1000, not " + steps);
    }
    if (!(guidanceScale >= 0 && guidanceScale < 1000)) {
      throw new IllegalArgumentException("guidanceScale must be at least 0, not " + guidanceScale);
    }
    if (size < 0 || size > LARGEST) {
      throw new IllegalArgumentException("size must be from 0 to " + LARGEST + ", not " + size);
    }
  }

  /** 30 steps of DDIM, guidance 3.5, seed 0, the model's own size. */
  public static ImagineOptions defaults() {
    return DEFAULTS;
  }

  /** These options with another number of steps. */
  public ImagineOptions withSteps(int count) {
    return new ImagineOptions(count, guidanceScale, seed, sampler, size);
  }

  /** These options with another guidance scale. */
  public ImagineOptions withGuidanceScale(double scale) {
    return new ImagineOptions(steps, scale, seed, sampler, size);
  }

  /** These options with another seed. */
  public ImagineOptions withSeed(long value) {
    return new ImagineOptions(steps, guidanceScale, value, sampler, size);
  }

  /** These options with another sampler. */
  public ImagineOptions withSampler(DiffusionSampler value) {
    return new ImagineOptions(steps, guidanceScale, seed, value, size);
  }

  /** These options with another size. */
  public ImagineOptions withSize(int pixels) {
    return new ImagineOptions(steps, guidanceScale, seed, sampler, pixels);
  }
}
