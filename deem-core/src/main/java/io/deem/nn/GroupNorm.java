package io.deem.nn;

import io.deem.graph.Param;
import io.deem.graph.Tensor;

/** Group normalisation; weight and bias are [channels]. */
public record GroupNorm(Param weight, Param bias, int groups, double epsilon) {

  /** A norm whose weights are {@code prefix.weight} and {@code prefix.bias}. */
  public static GroupNorm of(String prefix, int channels, int groups, double epsilon) {
    return new GroupNorm(
        Param.of(prefix + ".weight", channels),
        Param.of(prefix + ".bias", channels),
        groups,
        epsilon);
  }

  /** Normalises {@code x} [batch, channels, ..]. */
  public Tensor apply(Tensor x) {
    return x.groupNorm(groups, x.graph().param(weight), x.graph().param(bias), epsilon);
  }
}
