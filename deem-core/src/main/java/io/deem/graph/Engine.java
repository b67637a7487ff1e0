package io.deem.graph;

import io.deem.weights.TensorSource;

/** A compiler of blocks and the native library that runs what it emits. */
public interface Engine {

  /** A short name for reports, for example {@code libtorch-fp32}. */
  String name();

  /**
   * Opens weights. Each tensor is read when a block first needs it.
   *
   * @param weights must stay open as long as the session
   */
  Session open(TensorSource weights);
}
