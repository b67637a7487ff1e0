package io.deem.graph;

/**
 * Element types of a graph's tensors. Reduced precision is the engine's affair, not the graph's.
 */
public enum DataType {
  /** Floating point: 32 bits, unless an engine was asked to compute in 64. */
  FLOAT,
  /** Signed 64-bit integers: token ids, timesteps, indices. */
  INT64,
  /** Truth values: masks. */
  BOOL
}
