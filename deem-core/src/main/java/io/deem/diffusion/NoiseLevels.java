package io.deem.diffusion;

/** The noise levels sigma = sqrt((1 - a) / a) of a schedule, and the way back to time steps. */
final class NoiseLevels {

  private static final double RHO = 7;

  private final float[] sigmas;

  NoiseLevels(NoiseSchedule schedule) {
    sigmas = new float[schedule.timesteps()];
    for (int t = 0; t < sigmas.length; t++) {
      float alpha = schedule.alphaCumprod(t);
      sigmas[t] = NoiseSchedule.sqrt((1f - alpha) / alpha);
    }
  }

  /** The level of the first time step, the smallest. */
  double smallest() {
    return sigmas[0];
  }

  /** The level of the last time step, the largest. */
  double largest() {
    return sigmas[sigmas.length - 1];
  }

  /** The level at a time step that may lie between two. */
  double at(double timestep) {
    int low = Math.min((int) timestep, sigmas.length - 1);
    int high = Math.min(low + 1, sigmas.length - 1);
    return sigmas[low] + (timestep - low) * ((double) sigmas[high] - sigmas[low]);
  }

  /** The time step of a level, interpolated between logarithms. */
  double timestepOf(double sigma) {
    double wanted = Math.log(sigma);
    int low = 0;
    while (low < sigmas.length - 2 && wanted >= (float) Math.log(sigmas[low + 1])) {
      low++;
    }
    if (sigmas.length == 1) {
      return 0;
    }
    double below = (float) Math.log(sigmas[low]);
    double above = (float) Math.log(sigmas[low + 1]);
    double weight = Math.max(0, Math.min(1, (below - wanted) / (below - above)));
    return (1 - weight) * low + weight * (low + 1);
  }

  /**
   * Levels from the first to the last, evenly spaced in their seventh roots: Karras et al. (2022).
   */
  static double[] karras(double first, double last, int count) {
    double firstRoot = Math.pow(first, 1 / RHO);
    double lastRoot = Math.pow(last, 1 / RHO);
    double[] levels = new double[count];
    for (int i = 0; i < count; i++) {
      double ramp = count == 1 ? 0 : i == count - 1 ? 1 : i * (1.0 / (count - 1));
      levels[i] = Math.pow(firstRoot + ramp * (lastRoot - firstRoot), RHO);
    }
    return levels;
  }
}
