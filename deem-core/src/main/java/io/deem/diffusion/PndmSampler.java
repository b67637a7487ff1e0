package io.deem.diffusion;

import io.deem.random.NoiseSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Pseudo linear multi-step sampling (Liu et al., 2022): the noise is extrapolated from up to four
 * network outputs. The first of them are found either by twelve Runge-Kutta calls, or by visiting
 * the first time step's successor twice, in the manner of Heun.
 */
final class PndmSampler extends ScheduledSampler {

  /** Time steps which the Runge-Kutta start needs. */
  static final int RUNGE_KUTTA_STEPS = 4;

  private static final int RUNGE_KUTTA_CALLS = 12;

  private final List<float[]> outputs = new ArrayList<>();
  private float[] heldLatents;
  private float[] weightedSum;

  PndmSampler(SamplerConfig config) {
    super(config, timesteps(config));
  }

  private static float[] timesteps(SamplerConfig config) {
    float[] plain = wholeTimesteps(config);
    if (config.skipRungeKutta()) {
      if (plain.length < 2) {
        return plain;
      }
      float[] repeated = new float[plain.length + 1];
      System.arraycopy(plain, 0, repeated, 0, 2);
      System.arraycopy(plain, 1, repeated, 2, plain.length - 1);
      return repeated;
    }
    int half = config.schedule().timesteps() / config.steps() / 2;
    float[] all = new float[RUNGE_KUTTA_CALLS + plain.length - 3];
    for (int stage = 0; stage < 3; stage++) {
      // Each stage goes from one time step to the next: start, middle, middle, end.
      all[4 * stage] = plain[stage];
      all[4 * stage + 1] = plain[stage + 1] + half;
      all[4 * stage + 2] = plain[stage + 1] + half;
      all[4 * stage + 3] = plain[stage + 1];
    }
    System.arraycopy(plain, 3, all, RUNGE_KUTTA_CALLS, plain.length - 3);
    return all;
  }

  @Override
  float[] advance(float[] output, int i, float[] x, NoiseSource noise) {
    return config.skipRungeKutta() || i >= RUNGE_KUTTA_CALLS
        ? multiStep(output, i, x)
        : rungeKuttaStep(output, i, x);
  }

  private float[] rungeKuttaStep(float[] output, int i, float[] x) {
    int from = wholeTimestep(i / 4 * 4);
    int to = wholeTimestep(i) - (i % 2 == 1 ? 0 : stride() / 2);
    float[] direction = output;
    switch (i % 4) {
      case 0 -> {
        weightedSum = new float[x.length];
        accumulate(1f / 6, output);
        outputs.add(output.clone());
        heldLatents = x.clone();
      }
      case 1, 2 -> accumulate(1f / 3, output);
      default -> {
        accumulate(1f / 6, output);
        direction = weightedSum;
      }
    }
    return transfer(heldLatents, direction, from, to);
  }

  private void accumulate(float weight, float[] output) {
    for (int k = 0; k < output.length; k++) {
      weightedSum[k] += weight * output[k];
    }
  }

  private float[] multiStep(float[] output, int i, float[] x) {
    boolean skipped = config.skipRungeKutta();
    if (skipped && i == 1) {
      // The second look at the first interval: average both ends and start it again.
      int to = wholeTimestep(i);
      float[] average = combine(List.of(outputs.get(0), output), 2, 1, 1);
      return transfer(heldLatents, average, to + stride(), to);
    }
    if (skipped && i == 0) {
      heldLatents = x.clone();
    }
    while (outputs.size() > 3) {
      outputs.remove(0);
    }
    outputs.add(output.clone());
    int timestep = wholeTimestep(i);
    return transfer(x, extrapolate(), timestep, timestep - stride());
  }

  /** Adams-Bashforth of the highest order for which there are outputs. */
  private float[] extrapolate() {
    return switch (outputs.size()) {
      case 1 -> combine(outputs, 1, 1);
      case 2 -> combine(outputs, 2, -1, 3);
      case 3 -> combine(outputs, 12, 5, -16, 23);
      default -> combine(outputs, 24, -9, 37, -59, 55);
    };
  }

  /** Sum of outputs times weights, oldest first, over a divisor. */
  private static float[] combine(List<float[]> outputs, int divisor, int... weights) {
    float[] sum = new float[outputs.get(0).length];
    for (int term = weights.length - 1; term >= 0; term--) {
      float[] output = outputs.get(term);
      for (int k = 0; k < sum.length; k++) {
        sum[k] += weights[term] * output[k];
      }
    }
    for (int k = 0; k < sum.length; k++) {
      sum[k] /= divisor;
    }
    return sum;
  }

  /** Formula 9 of the paper: carries latents along a direction from one time step to another. */
  private float[] transfer(float[] x, float[] direction, int from, int to) {
    float alpha = schedule.alphaCumprod(from);
    float alphaBefore = alphaOrFinal(to);
    float beta = 1f - alpha;
    float ofSample = NoiseSchedule.sqrt(alphaBefore / alpha);
    float denominator =
        alpha * NoiseSchedule.sqrt(1f - alphaBefore)
            + NoiseSchedule.sqrt(alpha * beta * alphaBefore);
    float difference = alphaBefore - alpha;
    float[] noise =
        NoiseSchedule.noise(
            config.predictionType(),
            direction,
            x,
            NoiseSchedule.sqrt(alpha),
            NoiseSchedule.sqrt(beta));
    float[] result = new float[x.length];
    for (int k = 0; k < x.length; k++) {
      result[k] = ofSample * x[k] - difference * noise[k] / denominator;
    }
    return result;
  }
}
