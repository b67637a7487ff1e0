package io.deem.diffusion;

import io.deem.random.NoiseSource;

/** What all samplers share: the configuration, the time steps and the order of the calls. */
abstract class ScheduledSampler implements Sampler {

  final SamplerConfig config;
  final NoiseSchedule schedule;

  private final float[] timesteps;
  private int next;

  ScheduledSampler(SamplerConfig config, float[] timesteps) {
    this.config = config;
    this.schedule = config.schedule();
    this.timesteps = timesteps;
    for (float timestep : timesteps) {
      if (!(timestep >= 0 && timestep <= schedule.timesteps() - 1)) {
        throw new IllegalArgumentException(
            "time step "
                + timestep
                + " is outside of training's "
                + schedule.timesteps()
                + "; lower steps or stepsOffset");
      }
    }
  }

  /** The chosen time steps as whole numbers, largest first. */
  static float[] wholeTimesteps(SamplerConfig config) {
    return descending(
        config
            .timestepSpacing()
            .ascending(config.schedule().timesteps(), config.steps(), config.stepsOffset()),
        true);
  }

  static float[] descending(double[] ascending, boolean round) {
    float[] descending = new float[ascending.length];
    for (int i = 0; i < descending.length; i++) {
      double value = ascending[ascending.length - 1 - i];
      descending[i] = (float) (round ? Math.rint(value) : value);
    }
    return descending;
  }

  @Override
  public final float[] timesteps() {
    return timesteps.clone();
  }

  @Override
  public final float timestep(int i) {
    return timesteps[i];
  }

  @Override
  public final int size() {
    return timesteps.length;
  }

  @Override
  public final float[] step(float[] modelOutput, int i, float[] x, NoiseSource noise) {
    if (i != next || i >= timesteps.length) {
      throw new IllegalStateException(
          "step " + i + " of " + timesteps.length + " asked for, but it is the turn of " + next);
    }
    NoiseSchedule.requireEqualLengths(modelOutput, x);
    float[] result = advance(modelOutput, i, x, noise);
    next++;
    return result;
  }

  abstract float[] advance(float[] output, int i, float[] x, NoiseSource noise);

  final int wholeTimestep(int i) {
    return (int) timesteps[i];
  }

  /** Distance between time steps that DDPM, DDIM and PNDM assume, whatever the spacing. */
  final int stride() {
    return schedule.timesteps() / config.steps();
  }

  final float clip(float value) {
    return config.clipSample()
        ? Math.max(-config.clipRange(), Math.min(config.clipRange(), value))
        : value;
  }

  /** a_t, or its value after the last step when t is below the first time step. */
  final float alphaOrFinal(int timestep) {
    if (timestep >= 0) {
      return schedule.alphaCumprod(timestep);
    }
    return config.setAlphaToOne() ? 1f : schedule.alphaCumprod(0);
  }
}
