/**
 * The noise schedule of a diffusion model and the samplers that walk it backwards, in plain Java
 * over {@code float[]} latents. Formulas and rounding follow diffusers 0.20.
 */
package io.deem.diffusion;
