package io.deem.nn;

import io.deem.graph.Param;
import io.deem.graph.Tensor;

/** Root-mean-square normalisation over the last axis; the weight is [width]. */
public record RmsNorm(Param weight, double epsilon) {

  /** A norm whose weight is {@code prefix.weight}. */
  public static RmsNorm of(String prefix, int width, double epsilon) {
    return new RmsNorm(Param.of(prefix + ".weight", width), epsilon);
  }

  /** Normalises {@code x} [.., width]. */
  public Tensor apply(Tensor x) {
    return x.rmsNorm(x.graph().param(weight), epsilon);
  }
}
