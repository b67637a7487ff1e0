package io.deem;

/**
 * What a model's large matrices are computed in: those of the linear layers of the language model,
 * of its head and of the resampler that reads images for it. Everything else stays in 32 bits.
 *
 * <p>In 8 or 4 bits numbers share a scale in short blocks. They are made from the model's weights
 * once and kept beside them.
 */
public enum Precision {
  /**
   * The runtime's choice, by memory and measured speed. The CPU runtime takes {@link #FP32} where
   * the weights in 32 bits fit in a quarter of the machine's memory. Else it takes {@link #INT8}
   * where that fits in half of it, unless it measures that products in {@link #INT4} are at least
   * half as fast again, and otherwise {@link #INT4}.
   */
  AUTO,
  /** 32-bit floating point. */
  FP32,
  /** 8-bit integers. */
  INT8,
  /** 4-bit integers. */
  INT4
}
