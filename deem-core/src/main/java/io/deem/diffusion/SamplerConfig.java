package io.deem.diffusion;

import java.util.Objects;

/**
 * What a {@link Sampler} is built from. The defaults are Stable Diffusion's.
 *
 * <pre>{@code
 * Sampler sampler = SamplerConfig.builder(SamplingMethod.DDIM).steps(50).build().sampler();
 * }</pre>
 *
 * @param method the way of sampling
 * @param schedule the noise schedule of training
 * @param steps network calls asked for, in 1..timesteps of training; PNDM makes a few more
 * @param predictionType what the network's output means
 * @param timestepSpacing how the visited time steps are spread
 * @param stepsOffset added to the time steps when the spacing is LEADING; at least 0
 * @param clipSample whether DDPM and DDIM clip the estimate of the clean latents
 * @param clipRange the bound that they clip to, positive
 * @param eta share of new noise in DDIM: 0 for none, 1 for as much as DDPM; at least 0
 * @param setAlphaToOne whether DDIM and PNDM end at the clean latents, rather than at those of time
 *     step 0
 * @param skipRungeKutta whether PNDM leaves its three Runge-Kutta steps out
 * @param solverOrder order of DPM-Solver++: 1, 2 or 3
 * @param lowerOrderFinal whether DPM-Solver++ lowers its order at the end of fewer than 15 steps
 * @param karrasSigmas whether DPM-Solver++ and Euler space the noise levels as Karras et al. (2022)
 */
public record SamplerConfig(
    SamplingMethod method,
    NoiseSchedule schedule,
    int steps,
    PredictionType predictionType,
    TimestepSpacing timestepSpacing,
    int stepsOffset,
    boolean clipSample,
    float clipRange,
    float eta,
    boolean setAlphaToOne,
    boolean skipRungeKutta,
    int solverOrder,
    boolean lowerOrderFinal,
    boolean karrasSigmas) {

  /** Checks every value. */
  public SamplerConfig {
    Objects.requireNonNull(method, "method");
    Objects.requireNonNull(schedule, "schedule");
    Objects.requireNonNull(predictionType, "predictionType");
    Objects.requireNonNull(timestepSpacing, "timestepSpacing");
    require(
        steps >= 1 && steps <= schedule.timesteps(),
        "steps must be in 1.." + schedule.timesteps() + ", got " + steps);
    require(
        stepsOffset >= 0 && stepsOffset < schedule.timesteps(),
        "stepsOffset must be in 0.." + (schedule.timesteps() - 1) + ", got " + stepsOffset);
    require(clipRange > 0, "clipRange must be positive, got " + clipRange);
    require(eta >= 0 && eta < Float.POSITIVE_INFINITY, "eta must be at least 0, got " + eta);
    require(
        solverOrder >= 1 && solverOrder <= 3, "solverOrder must be 1, 2 or 3, got " + solverOrder);
    require(
        method != SamplingMethod.PNDM || skipRungeKutta || steps >= PndmSampler.RUNGE_KUTTA_STEPS,
        "PNDM with Runge-Kutta steps needs at least 4 steps, got " + steps);
    require(
        predictionType != PredictionType.SAMPLE || method != SamplingMethod.PNDM,
        "PNDM needs a network that predicts the noise or the velocity");
  }

  /**
   * Makes a sampler for one run.
   *
   * @return a new sampler
   */
  public Sampler sampler() {
    return switch (method) {
      case DDPM -> new DdpmSampler(this);
      case DDIM -> new DdimSampler(this);
      case PNDM -> new PndmSampler(this);
      case DPM_SOLVER -> new DpmSolverSampler(this);
      case EULER -> new EulerSampler(this);
    };
  }

  /**
   * Starts from the defaults.
   *
   * @param method the way of sampling
   * @return a new builder
   */
  public static Builder builder(SamplingMethod method) {
    return new Builder(method);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }

  /** Collects the values of a {@link SamplerConfig}. */
  public static final class Builder {

    private final SamplingMethod method;
    private NoiseSchedule schedule = NoiseSchedule.stableDiffusion();
    private int steps = 50;
    private PredictionType predictionType = PredictionType.EPSILON;
    private TimestepSpacing timestepSpacing = TimestepSpacing.LEADING;
    private int stepsOffset = 1;
    private boolean clipSample;
    private float clipRange = 1;
    private float eta;
    private boolean setAlphaToOne;
    private boolean skipRungeKutta = true;
    private int solverOrder = 2;
    private boolean lowerOrderFinal = true;
    private boolean karrasSigmas;

    private Builder(SamplingMethod method) {
      this.method = Objects.requireNonNull(method, "method");
    }

    /** Sets the noise schedule; default {@link NoiseSchedule#stableDiffusion()}. */
    public Builder schedule(NoiseSchedule value) {
      schedule = value;
      return this;
    }

    /** Sets the number of network calls asked for; default 50. */
    public Builder steps(int value) {
      steps = value;
      return this;
    }

    /** Sets what the network's output means; default the noise. */
    public Builder predictionType(PredictionType value) {
      predictionType = value;
      return this;
    }

    /** Sets how the time steps are spread; default LEADING. */
    public Builder timestepSpacing(TimestepSpacing value) {
      timestepSpacing = value;
      return this;
    }

    /** Sets what is added to LEADING time steps; default 1. */
    public Builder stepsOffset(int value) {
      stepsOffset = value;
      return this;
    }

    /** Sets whether the estimate of the clean latents is clipped; default no. */
    public Builder clipSample(boolean value) {
      clipSample = value;
      return this;
    }

    /** Sets the bound of clipping; default 1. */
    public Builder clipRange(float value) {
      clipRange = value;
      return this;
    }

    /** Sets DDIM's share of new noise; default 0. */
    public Builder eta(float value) {
      eta = value;
      return this;
    }

    /** Sets whether the last step ends at the clean latents; default no. */
    public Builder setAlphaToOne(boolean value) {
      setAlphaToOne = value;
      return this;
    }

    /** Sets whether PNDM leaves out its Runge-Kutta steps; default yes. */
    public Builder skipRungeKutta(boolean value) {
      skipRungeKutta = value;
      return this;
    }

    /** Sets the order of DPM-Solver++; default 2. */
    public Builder solverOrder(int value) {
      solverOrder = value;
      return this;
    }

    /** Sets whether short runs of DPM-Solver++ end with lower orders; default yes. */
    public Builder lowerOrderFinal(boolean value) {
      lowerOrderFinal = value;
      return this;
    }

    /** Sets the noise levels of Karras et al. (2022) for DPM-Solver++ and Euler; default no. */
    public Builder karrasSigmas(boolean value) {
      karrasSigmas = value;
      return this;
    }

    /**
     * Checks and freezes the values.
     *
     * @return the configuration
     * @throws IllegalArgumentException naming the value that is out of range
     */
    public SamplerConfig build() {
      return new SamplerConfig(
          method,
          schedule,
          steps,
          predictionType,
          timestepSpacing,
          stepsOffset,
          clipSample,
          clipRange,
          eta,
          setAlphaToOne,
          skipRungeKutta,
          solverOrder,
          lowerOrderFinal,
          karrasSigmas);
    }
  }
}
