package io.deem.diffusion;

import io.deem.random.NoiseSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * DPM-Solver++ in its multi-step form (Lu et al., 2022), midpoint variant, of order one to three.
 * It works on estimates of the clean latents and on lambda = log(sqrt(a) / sqrt(1-a)). The last
 * step goes to time step 0, not to the clean latents.
 */
final class DpmSolverSampler extends ScheduledSampler {

  private static final int SHORT_RUN = 15;

  private final List<float[]> estimates = new ArrayList<>();

  DpmSolverSampler(SamplerConfig config) {
    super(config, timesteps(config));
  }

  private static float[] timesteps(SamplerConfig config) {
    int train = config.schedule().timesteps();
    if (config.karrasSigmas()) {
      NoiseLevels levels = new NoiseLevels(config.schedule());
      double[] sigmas = NoiseLevels.karras(levels.smallest(), levels.largest(), config.steps());
      double[] ascending = new double[sigmas.length];
      for (int i = 0; i < sigmas.length; i++) {
        ascending[i] = levels.timestepOf(sigmas[i]);
      }
      return withoutRepeats(descending(ascending, true));
    }
    if (config.timestepSpacing() == TimestepSpacing.TRAILING) {
      return withoutRepeats(wholeTimesteps(config));
    }
    // One more time step than asked for, of which the smallest is left out.
    double[] all =
        config.timestepSpacing().ascending(train, config.steps() + 1, config.stepsOffset());
    float[] descending = descending(all, true);
    float[] kept = new float[config.steps()];
    System.arraycopy(descending, 0, kept, 0, kept.length);
    return withoutRepeats(kept);
  }

  private static float[] withoutRepeats(float[] descending) {
    float[] distinct = new float[descending.length];
    int count = 0;
    for (float timestep : descending) {
      if (count == 0 || distinct[count - 1] != timestep) {
        distinct[count++] = timestep;
      }
    }
    return Arrays.copyOf(distinct, count);
  }

  @Override
  float[] advance(float[] output, int i, float[] x, NoiseSource noise) {
    int last = size() - 1;
    int target = i == last ? 0 : wholeTimestep(i + 1);
    while (estimates.size() >= config.solverOrder()) {
      estimates.remove(0);
    }
    estimates.add(schedule.clean(config.predictionType(), output, x, wholeTimestep(i)));
    boolean lower = config.lowerOrderFinal() && size() < SHORT_RUN;
    int order = estimates.size();
    if (lower) {
      order = Math.min(order, last - i + 1);
    }
    return switch (order) {
      case 1 -> first(x, i, target);
      case 2 -> second(x, i, target);
      default -> third(x, i, target);
    };
  }

  /** The estimate made {@code age} steps ago. */
  private float[] estimate(int age) {
    return estimates.get(estimates.size() - 1 - age);
  }

  private float[] first(float[] x, int i, int target) {
    int source = wholeTimestep(i);
    float h = lambda(target) - lambda(source);
    float ofSample = schedule.noiseScale(target) / schedule.noiseScale(source);
    float ofClean = schedule.signalScale(target) * expMinusOne(-h);
    float[] clean = estimate(0);
    float[] result = new float[x.length];
    for (int k = 0; k < x.length; k++) {
      result[k] = ofSample * x[k] - ofClean * clean[k];
    }
    return result;
  }

  private float[] second(float[] x, int i, int target) {
    float here = lambda(wholeTimestep(i));
    float h = lambda(target) - here;
    float ratio = (here - lambda(wholeTimestep(i - 1))) / h;
    float ofSlope = 0.5f * (schedule.signalScale(target) * expMinusOne(-h));
    float[] newest = estimate(0);
    float[] older = estimate(1);
    float[] result = first(x, i, target);
    for (int k = 0; k < x.length; k++) {
      result[k] -= ofSlope * (1f / ratio * (newest[k] - older[k]));
    }
    return result;
  }

  private float[] third(float[] x, int i, int target) {
    float here = lambda(wholeTimestep(i));
    float before = lambda(wholeTimestep(i - 1));
    float h = lambda(target) - here;
    float r0 = (here - before) / h;
    float r1 = (before - lambda(wholeTimestep(i - 2))) / h;
    float signal = schedule.signalScale(target);
    float ofSlope = signal * (expMinusOne(-h) / h + 1f);
    float ofCurvature = signal * ((expMinusOne(-h) + h) / (h * h) - 0.5f);
    float[] newest = estimate(0);
    float[] older = estimate(1);
    float[] oldest = estimate(2);
    float[] result = first(x, i, target);
    for (int k = 0; k < x.length; k++) {
      float near = (newest[k] - older[k]) / r0;
      float far = (older[k] - oldest[k]) / r1;
      float slope = near + r0 / (r0 + r1) * (near - far);
      float curvature = (near - far) / (r0 + r1);
      result[k] = result[k] + ofSlope * slope - ofCurvature * curvature;
    }
    return result;
  }

  private float lambda(int timestep) {
    return log(schedule.signalScale(timestep)) - log(schedule.noiseScale(timestep));
  }

  private static float log(float value) {
    return (float) Math.log(value);
  }

  private static float expMinusOne(float value) {
    return (float) Math.exp(value) - 1f;
  }
}
