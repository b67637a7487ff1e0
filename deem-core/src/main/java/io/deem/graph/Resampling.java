package io.deem.graph;

/** How {@link Tensor#resize} finds values between pixels; none of them antialiases. */
public enum Resampling {
  /** The pixel at floor(index * scale). */
  NEAREST,
  /** Linear in both directions. */
  BILINEAR,
  /** Cubic convolution with a = -0.75. */
  BICUBIC
}
