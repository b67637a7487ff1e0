package io.deem;

/** The ways in which noise is turned into a picture. */
public enum DiffusionSampler {
  /** Implicit sampling (Song et al. 2021), without new noise: good from about 30 steps on. */
  DDIM,
  /** Ancestral sampling (Ho et al. 2020), with new noise in every step; wants hundreds of steps. */
  DDPM,
  /** Pseudo linear multi-step (Liu et al. 2022). */
  PNDM,
  /** DPM-Solver++ of second order (Lu et al. 2022): good from about 15 steps on. */
  DPM_SOLVER_2M,
  /** DPM-Solver++ of third order (Lu et al. 2022). */
  DPM_SOLVER_3M,
  /** Euler steps of the probability flow (Karras et al. 2022). */
  EULER
}
