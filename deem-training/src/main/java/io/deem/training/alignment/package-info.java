/** Alignment of an open model by a diffusion model's feedback on images alone. */
package io.deem.training.alignment;
