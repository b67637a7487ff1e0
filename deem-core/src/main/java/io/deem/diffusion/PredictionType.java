package io.deem.diffusion;

/** What a denoising network's output means. */
public enum PredictionType {
  /** The noise that was added. */
  EPSILON,
  /** The velocity sqrt(a) noise - sqrt(1-a) x0 (Salimans and Ho, 2022). */
  V_PREDICTION,
  /** The clean latents themselves. */
  SAMPLE
}
