package io.deem.nn;

import io.deem.graph.Param;
import io.deem.graph.Tensor;

/** Layer normalisation over the last axis; weight and bias are [width]. */
public record LayerNorm(Param weight, Param bias, double epsilon) {

  /** A norm whose weights are {@code prefix.weight} and {@code prefix.bias}. */
  public static LayerNorm of(String prefix, int width, double epsilon) {
    return new LayerNorm(
        Param.of(prefix + ".weight", width), Param.of(prefix + ".bias", width), epsilon);
  }

  /** Normalises {@code x} [.., width]. */
  public Tensor apply(Tensor x) {
    return x.layerNorm(x.graph().param(weight), x.graph().param(bias), epsilon);
  }

  /** Normalises the channels of {@code x} [batch, channels, height, width] at each place. */
  public Tensor applyToChannels(Tensor x) {
    return apply(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
  }
}
