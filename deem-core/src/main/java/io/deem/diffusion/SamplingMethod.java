package io.deem.diffusion;

/** The ways to turn noise into latents. */
public enum SamplingMethod {
  /** Ancestral sampling (Ho et al., 2020): new noise in every step. */
  DDPM,
  /** Implicit sampling (Song et al., 2020): deterministic unless eta is positive. */
  DDIM,
  /** Pseudo linear multi-step (Liu et al., 2022). */
  PNDM,
  /** DPM-Solver++ multi-step (Lu et al., 2022), of second or third order. */
  DPM_SOLVER,
  /** Euler steps of the probability flow (Karras et al., 2022). */
  EULER
}
