package io.deem.nn;

import io.deem.graph.Param;
import io.deem.graph.Tensor;

/**
 * {@code x W^T + b}.
 *
 * @param weight [out, in]
 * @param bias [out], or null
 */
public record Linear(Param weight, Param bias) {

  /** A linear layer whose weights are {@code prefix.weight} and {@code prefix.bias}. */
  public static Linear of(String prefix, int in, int out) {
    return new Linear(Param.of(prefix + ".weight", out, in), Param.of(prefix + ".bias", out));
  }

  /** A linear layer without a bias. */
  public static Linear withoutBias(String prefix, int in, int out) {
    return new Linear(Param.of(prefix + ".weight", out, in), null);
  }

  /**
   * Applies the layer.
   *
   * @param x [.., in]
   * @return [.., out]
   */
  public Tensor apply(Tensor x) {
    return x.linear(x.graph().param(weight), bias == null ? null : x.graph().param(bias));
  }
}
