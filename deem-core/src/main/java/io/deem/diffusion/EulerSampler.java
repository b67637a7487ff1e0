package io.deem.diffusion;

import io.deem.random.NoiseSource;

/**
 * Euler steps along the probability flow, algorithm 2 of Karras et al. (2022) without added noise.
 * The latents carry the noise level sigma instead of being scaled by sqrt(a); the network sees them
 * divided by sqrt(sigma^2 + 1).
 */
public final class EulerSampler extends ScheduledSampler {

  private final float[] sigmas;

  EulerSampler(SamplerConfig config) {
    this(config, levelsAndTimesteps(config));
  }

  private EulerSampler(SamplerConfig config, float[][] levelsAndTimesteps) {
    super(config, levelsAndTimesteps[1]);
    this.sigmas = levelsAndTimesteps[0];
  }

  private static float[][] levelsAndTimesteps(SamplerConfig config) {
    int count = config.steps();
    // Not rounded: Euler may ask the network about a time between two time steps.
    float[] timesteps =
        descending(
            config
                .timestepSpacing()
                .ascending(config.schedule().timesteps(), count, config.stepsOffset()),
            false);
    NoiseLevels levels = new NoiseLevels(config.schedule());
    double[] sigmas = new double[count];
    for (int i = 0; i < count; i++) {
      sigmas[i] = levels.at(timesteps[i]);
    }
    if (config.karrasSigmas()) {
      sigmas = NoiseLevels.karras(sigmas[0], sigmas[count - 1], count);
      for (int i = 0; i < count; i++) {
        timesteps[i] = (float) levels.timestepOf(sigmas[i]);
      }
    }
    float[] withZero = new float[count + 1];
    for (int i = 0; i < count; i++) {
      withZero[i] = (float) sigmas[i];
    }
    return new float[][] {withZero, timesteps};
  }

  /**
   * Gives the noise levels.
   *
   * @return one level for each step, falling, then 0
   */
  public float[] sigmas() {
    return sigmas.clone();
  }

  @Override
  public float initNoiseSigma() {
    float largest = sigmas[0];
    return config.timestepSpacing() == TimestepSpacing.LEADING
        ? NoiseSchedule.sqrt(largest * largest + 1f)
        : largest;
  }

  @Override
  public float[] scaleModelInput(float[] x, int i) {
    float scale = NoiseSchedule.sqrt(sigmas[i] * sigmas[i] + 1f);
    float[] scaled = new float[x.length];
    for (int k = 0; k < x.length; k++) {
      scaled[k] = x[k] / scale;
    }
    return scaled;
  }

  @Override
  float[] advance(float[] output, int i, float[] x, NoiseSource noise) {
    float sigma = sigmas[i];
    float change = sigmas[i + 1] - sigma;
    float square = sigma * sigma + 1f;
    float ofVelocity = -sigma / NoiseSchedule.sqrt(square);
    float[] result = new float[x.length];
    for (int k = 0; k < x.length; k++) {
      float clean =
          switch (config.predictionType()) {
            case EPSILON -> x[k] - sigma * output[k];
            case V_PREDICTION -> output[k] * ofVelocity + x[k] / square;
            case SAMPLE -> output[k];
          };
      result[k] = x[k] + (x[k] - clean) / sigma * change;
    }
    return result;
  }
}
