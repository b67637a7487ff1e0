package io.deem.training;

/**
 * A linear rise from zero, then half a cosine down to a final share.
 *
 * @param warmupSteps steps until the full learning rate
 * @param totalSteps steps of the whole run
 * @param finalShare what is left at the end, as a share of the full rate, from 0 to 1
 */
public record LearningRateSchedule(long warmupSteps, long totalSteps, double finalShare) {

  public LearningRateSchedule {
    if (warmupSteps < 0 || totalSteps < 1 || finalShare < 0 || finalShare > 1) {
      throw new IllegalArgumentException(
          "a schedule needs steps of at least 0 and 1 and a share from 0 to 1, got "
              + warmupSteps
              + ", "
              + totalSteps
              + " and "
              + finalShare);
    }
  }

  /** The same rate at every step. */
  public static LearningRateSchedule constant() {
    return new LearningRateSchedule(0, 1, 1);
  }

  /**
   * What the learning rate is multiplied by.
   *
   * @param step counted from 0
   */
  public double factor(long step) {
    if (step < warmupSteps) {
      return (double) step / warmupSteps;
    }
    double progress =
        Math.min(1, (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
    return finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * progress));
  }
}
