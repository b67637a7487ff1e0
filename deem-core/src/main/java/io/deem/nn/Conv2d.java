package io.deem.nn;

import io.deem.graph.Param;
import io.deem.graph.Tensor;

/**
 * Two-dimensional convolution with a square kernel.
 *
 * @param weight [out, in / groups, kernel, kernel]
 * @param bias [out], or null
 */
public record Conv2d(Param weight, Param bias, int stride, int padding, int groups) {

  /** A convolution whose weights are {@code prefix.weight} and {@code prefix.bias}. */
  public static Conv2d of(String prefix, int in, int out, int kernel, int stride, int padding) {
    return new Conv2d(
        Param.of(prefix + ".weight", out, in, kernel, kernel),
        Param.of(prefix + ".bias", out),
        stride,
        padding,
        1);
  }

  /** A convolution of each channel by itself that keeps the map's size. */
  public static Conv2d depthwise(String prefix, int channels, int kernel) {
    return new Conv2d(
        Param.of(prefix + ".weight", channels, 1, kernel, kernel),
        Param.of(prefix + ".bias", channels),
        1,
        kernel / 2,
        channels);
  }

  /**
   * Applies the layer.
   *
   * @param x [batch, in, height, width]
   */
  public Tensor apply(Tensor x) {
    Tensor b = bias == null ? null : x.graph().param(bias);
    return x.conv2d(x.graph().param(weight), b, stride, padding, groups);
  }
}
