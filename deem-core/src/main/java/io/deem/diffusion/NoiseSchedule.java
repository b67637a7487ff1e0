package io.deem.diffusion;

import io.deem.portable.FusedMultiplyAdd;
import java.util.Objects;

/**
 * How much noise each time step of training mixes into the latents: x_t = sqrt(a_t) x_0 + sqrt(1 -
 * a_t) noise, where a_t is the product of (1 - beta) up to t. All tables are single precision, as
 * in the reference, because the last bits of a_t near t = 0 change pictures.
 *
 * <p>Latents are arrays of any length; one array may hold a batch, in which case the methods that
 * take several time steps divide it into as many equal parts. Immutable and safe for use from many
 * threads.
 */
public final class NoiseSchedule {

  /** How beta grows over the time steps. */
  public enum Betas {
    /** Evenly from the first to the last. */
    LINEAR,
    /** The square of an even growth of its root; Stable Diffusion's. */
    SCALED_LINEAR,
    /** From a squared cosine of the product of alphas (Nichol and Dhariwal, 2021). */
    SQUARED_COSINE
  }

  private static final float MAX_COSINE_BETA = 0.999f;
  private static final NoiseSchedule STABLE_DIFFUSION =
      new NoiseSchedule(Betas.SCALED_LINEAR, 0.00085, 0.012, 1000);

  private final float[] betas;
  private final float[] alphasCumprod;

  /**
   * Builds a schedule.
   *
   * @param kind how beta grows
   * @param start beta of the first time step, in (0, 1); not used by the cosine
   * @param end beta of the last time step, in (0, 1); not used by the cosine
   * @param timesteps time steps of training, at least 1
   */
  public NoiseSchedule(Betas kind, double start, double end, int timesteps) {
    Objects.requireNonNull(kind, "kind");
    if (timesteps < 1 || timesteps > 1_000_000) {
      throw new IllegalArgumentException("timesteps must be in 1..1000000, got " + timesteps);
    }
    if (!(start > 0 && start < 1 && end > 0 && end < 1)) {
      throw new IllegalArgumentException("betas must be in (0, 1), got " + start + " and " + end);
    }
    this.betas =
        switch (kind) {
          case LINEAR -> linspace((float) start, (float) end, timesteps);
          case SCALED_LINEAR ->
              squares(linspace((float) Math.sqrt(start), (float) Math.sqrt(end), timesteps));
          case SQUARED_COSINE -> squaredCosine(timesteps);
        };
    this.alphasCumprod = new float[timesteps];
    // The running product is kept in double and rounded on storing, as libtorch does on a CPU.
    double product = 1;
    for (int t = 0; t < timesteps; t++) {
      product *= 1f - betas[t];
      alphasCumprod[t] = (float) product;
    }
  }

  /**
   * Gives the schedule of Stable Diffusion: beta from 0.00085 to 0.012, scaled linear, 1,000 time
   * steps.
   *
   * @return the schedule
   */
  public static NoiseSchedule stableDiffusion() {
    return STABLE_DIFFUSION;
  }

  /**
   * Maps a uniformly drawn time step to the range in which a picture's semantics, not its details,
   * decide the loss: (t - 500) 0.6 + 500, rounded half to even. Of 1,000 time steps it keeps 200 to
   * 799.
   *
   * @param timestep a time step
   * @return the time step that DEEM's consistency loss uses instead
   */
  public static int consistencyTimestep(int timestep) {
    return (int) Math.rint((timestep - 500) * 0.6 + 500);
  }

  /**
   * Gives the number of time steps of training.
   *
   * @return one more than the largest time step
   */
  public int timesteps() {
    return betas.length;
  }

  /**
   * Gives beta of every time step.
   *
   * @return a new array
   */
  public float[] betas() {
    return betas.clone();
  }

  /**
   * Gives a_t, the share of the signal's variance, of every time step.
   *
   * @return a new array, falling
   */
  public float[] alphasCumprod() {
    return alphasCumprod.clone();
  }

  /**
   * Gives a_t of one time step.
   *
   * @param timestep in [0, timesteps)
   * @return the share of the signal in the variance of the noisy latents
   */
  public float alphaCumprod(int timestep) {
    if (timestep < 0 || timestep >= alphasCumprod.length) {
      throw new IllegalArgumentException(
          "timestep must be in 0.." + (alphasCumprod.length - 1) + ", got " + timestep);
    }
    return alphasCumprod[timestep];
  }

  /**
   * Gives sqrt(a_t), the factor of the clean latents.
   *
   * @param timestep in [0, timesteps)
   * @return the factor, in (0, 1)
   */
  public float signalScale(int timestep) {
    return sqrt(alphaCumprod(timestep));
  }

  /**
   * Gives sqrt(1 - a_t), the factor of the noise.
   *
   * @param timestep in [0, timesteps)
   * @return the factor, in (0, 1)
   */
  public float noiseScale(int timestep) {
    return sqrt(1f - alphaCumprod(timestep));
  }

  /**
   * Mixes noise into clean latents.
   *
   * @param clean latents of one sample, or of {@code timesteps.length} samples of equal size in
   *     order
   * @param noise as many values
   * @param timesteps one time step a sample
   * @return the noisy latents
   */
  public float[] addNoise(float[] clean, float[] noise, int... timesteps) {
    return mix(clean, noise, timesteps, this::signalScale, this::noiseScale);
  }

  /**
   * Gives the velocity sqrt(a) noise - sqrt(1-a) clean, the target of a network trained for it.
   *
   * @param clean latents of one sample, or of {@code timesteps.length} samples of equal size in
   *     order
   * @param noise as many values
   * @param timesteps one time step a sample
   * @return the velocity
   */
  public float[] velocity(float[] clean, float[] noise, int... timesteps) {
    return mix(noise, clean, timesteps, this::signalScale, t -> -noiseScale(t));
  }

  /**
   * Estimates the clean latents from a network's output.
   *
   * @param type what the output means
   * @param output the network's output
   * @param noisy the latents that it was given
   * @param timestep their time step
   * @return the estimate of x_0
   */
  public float[] clean(PredictionType type, float[] output, float[] noisy, int timestep) {
    return clean(type, output, noisy, signalScale(timestep), noiseScale(timestep));
  }

  /**
   * Estimates the noise from a network's output.
   *
   * @param type what the output means
   * @param output the network's output
   * @param noisy the latents that it was given
   * @param timestep their time step
   * @return the estimate of the noise
   */
  public float[] noise(PredictionType type, float[] output, float[] noisy, int timestep) {
    return noise(type, output, noisy, signalScale(timestep), noiseScale(timestep));
  }

  static float[] clean(
      PredictionType type, float[] output, float[] noisy, float signal, float sigma) {
    requireEqualLengths(output, noisy);
    float[] clean = new float[noisy.length];
    for (int i = 0; i < clean.length; i++) {
      clean[i] =
          switch (type) {
            case EPSILON -> (noisy[i] - sigma * output[i]) / signal;
            case V_PREDICTION -> signal * noisy[i] - sigma * output[i];
            case SAMPLE -> output[i];
          };
    }
    return clean;
  }

  static float[] noise(
      PredictionType type, float[] output, float[] noisy, float signal, float sigma) {
    requireEqualLengths(output, noisy);
    float[] noise = new float[noisy.length];
    for (int i = 0; i < noise.length; i++) {
      noise[i] =
          switch (type) {
            case EPSILON -> output[i];
            case V_PREDICTION -> signal * output[i] + sigma * noisy[i];
            case SAMPLE -> (noisy[i] - signal * output[i]) / sigma;
          };
    }
    return noise;
  }

  static float sqrt(float value) {
    return (float) Math.sqrt(value);
  }

  static void requireEqualLengths(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "latents must have equal lengths, got " + a.length + " and " + b.length);
    }
  }

  /** A factor for each time step. */
  private interface Scale {
    float at(int timestep);
  }

  private static float[] mix(float[] a, float[] b, int[] timesteps, Scale ofA, Scale ofB) {
    requireEqualLengths(a, b);
    if (timesteps.length == 0 || a.length % timesteps.length != 0) {
      throw new IllegalArgumentException(
          a.length + " values cannot be divided among " + timesteps.length + " time steps");
    }
    int size = a.length / timesteps.length;
    float[] mixed = new float[a.length];
    for (int sample = 0; sample < timesteps.length; sample++) {
      float scaleA = ofA.at(timesteps[sample]);
      float scaleB = ofB.at(timesteps[sample]);
      for (int i = sample * size; i < (sample + 1) * size; i++) {
        mixed[i] = scaleA * a[i] + scaleB * b[i];
      }
    }
    return mixed;
  }

  /** Evenly spaced numbers with libtorch's rounding, which fills runs of eight from their first. */
  private static float[] linspace(float start, float end, int count) {
    float[] values = new float[count];
    float step = count == 1 ? 0 : (end - start) / (count - 1);
    for (int i = 0; i < count; i++) {
      int lane = i % 8;
      int first = i - lane;
      float base =
          count == 1 || first < count / 2
              ? FusedMultiplyAdd.of(step, first, start)
              : FusedMultiplyAdd.of(-step, count - 1 - first, end);
      values[i] = base + step * lane;
    }
    return values;
  }

  private static float[] squares(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= values[i];
    }
    return values;
  }

  private static float[] squaredCosine(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      double ratio = cosineAlpha((i + 1) / (double) count) / cosineAlpha(i / (double) count);
      values[i] = (float) Math.min(1 - ratio, MAX_COSINE_BETA);
    }
    return values;
  }

  private static double cosineAlpha(double time) {
    double cosine = Math.cos((time + 0.008) / 1.008 * Math.PI / 2);
    return cosine * cosine;
  }
}
