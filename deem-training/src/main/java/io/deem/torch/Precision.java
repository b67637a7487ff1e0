package io.deem.torch;

/** The arithmetic of compiled blocks. Values between blocks and weights stay in 32 bits. */
public enum Precision {
  /** 32-bit floating point throughout. */
  FP32(6),
  /**
   * Products (linear, convolution, attention) in bfloat16, all else in 32 bits, as PyTorch's
   * autocast does. Pays where the processor has bfloat16 instructions.
   */
  BF16(6),
  /** 64 bits throughout, to tell rounding from error. Values between blocks are 64-bit as well. */
  FP64(7);

  /** PyTorch's number for bfloat16. */
  static final int BFLOAT16 = 15;

  /** PyTorch's number for the type that holds floating-point tensors. */
  final int scalarType;

  Precision(int scalarType) {
    this.scalarType = scalarType;
  }
}
