package io.deem.diffusion;

import io.deem.random.NoiseSource;

/**
 * Ancestral sampling: the mean of q(x_{t-1} | x_t, x_0), formula 7 of Ho et al. (2020), plus noise
 * of the posterior's variance unless t is 0.
 */
final class DdpmSampler extends ScheduledSampler {

  private static final float MIN_VARIANCE = 1e-20f;

  DdpmSampler(SamplerConfig config) {
    super(config, wholeTimesteps(config));
  }

  @Override
  float[] advance(float[] output, int i, float[] x, NoiseSource noise) {
    int timestep = wholeTimestep(i);
    int previous = timestep - stride();
    float alpha = schedule.alphaCumprod(timestep);
    float alphaBefore = previous >= 0 ? schedule.alphaCumprod(previous) : 1f;
    float beta = 1f - alpha;
    float betaBefore = 1f - alphaBefore;
    float stepAlpha = alpha / alphaBefore;
    float stepBeta = 1f - stepAlpha;
    float ofClean = NoiseSchedule.sqrt(alphaBefore) * stepBeta / beta;
    float ofCurrent = NoiseSchedule.sqrt(stepAlpha) * betaBefore / beta;

    float[] result = schedule.clean(config.predictionType(), output, x, timestep);
    for (int k = 0; k < x.length; k++) {
      result[k] = ofClean * clip(result[k]) + ofCurrent * x[k];
    }
    if (timestep > 0) {
      float variance = Math.max(MIN_VARIANCE, betaBefore / beta * stepBeta);
      float deviation = NoiseSchedule.sqrt(variance);
      float[] fresh = new float[x.length];
      noise.gaussian(fresh);
      for (int k = 0; k < x.length; k++) {
        result[k] += deviation * fresh[k];
      }
    }
    return result;
  }
}
