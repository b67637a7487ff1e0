package io.deem.diffusion;

/** How the time steps that a sampler visits are spread over those of training. */
public enum TimestepSpacing {
  /** Whole steps up from 0, moved by the offset; the noisiest time steps may be left out. */
  LEADING {
    @Override
    double[] ascending(int trainTimesteps, int count, int offset) {
      int ratio = trainTimesteps / count;
      double[] steps = new double[count];
      for (int i = 0; i < count; i++) {
        steps[i] = (double) i * ratio + offset;
      }
      return steps;
    }
  },
  /** Even steps down from the last time step of training. */
  TRAILING {
    @Override
    double[] ascending(int trainTimesteps, int count, int offset) {
      double ratio = trainTimesteps / (double) count;
      // The distance as numpy's arange has it, whose last bit decides where a half is rounded to.
      double distance = (trainTimesteps - ratio) - trainTimesteps;
      double[] steps = new double[count];
      for (int i = 0; i < count; i++) {
        steps[count - 1 - i] = Math.rint(trainTimesteps + i * distance) - 1;
      }
      return steps;
    }
  },
  /** Evenly from the first to the last time step of training, not yet rounded. */
  LINSPACE {
    @Override
    double[] ascending(int trainTimesteps, int count, int offset) {
      double[] steps = new double[count];
      double distance = count == 1 ? 0 : (trainTimesteps - 1) / (double) (count - 1);
      for (int i = 0; i < count; i++) {
        steps[i] = i * distance;
      }
      if (count > 1) {
        steps[count - 1] = trainTimesteps - 1;
      }
      return steps;
    }
  };

  /**
   * Chooses time steps.
   *
   * @param trainTimesteps time steps of training
   * @param count how many to choose
   * @param offset added to each when the spacing is {@link #LEADING}
   * @return the chosen time steps, smallest first
   */
  abstract double[] ascending(int trainTimesteps, int count, int offset);
}
