package io.deem.diffusion;

import io.deem.random.NoiseSource;

/** Implicit sampling, formula 12 of Song et al. (2020). Draws noise only if eta is positive. */
final class DdimSampler extends ScheduledSampler {

  DdimSampler(SamplerConfig config) {
    super(config, wholeTimesteps(config));
  }

  @Override
  float[] advance(float[] output, int i, float[] x, NoiseSource noise) {
    int timestep = wholeTimestep(i);
    float alpha = schedule.alphaCumprod(timestep);
    float alphaBefore = alphaOrFinal(timestep - stride());
    float variance = (1f - alphaBefore) / (1f - alpha) * (1f - alpha / alphaBefore);
    float deviation = config.eta() * NoiseSchedule.sqrt(variance);
    float ofClean = NoiseSchedule.sqrt(alphaBefore);
    float ofNoise = NoiseSchedule.sqrt(1f - alphaBefore - deviation * deviation);

    float[] result = schedule.clean(config.predictionType(), output, x, timestep);
    // The direction keeps the noise of the unclipped estimate, as the reference does.
    float[] direction = schedule.noise(config.predictionType(), output, x, timestep);
    for (int k = 0; k < x.length; k++) {
      result[k] = ofClean * clip(result[k]) + ofNoise * direction[k];
    }
    if (config.eta() > 0) {
      float[] fresh = new float[x.length];
      noise.gaussian(fresh);
      for (int k = 0; k < x.length; k++) {
        result[k] += deviation * fresh[k];
      }
    }
    return result;
  }
}
