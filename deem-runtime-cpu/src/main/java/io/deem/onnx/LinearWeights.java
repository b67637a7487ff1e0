package io.deem.onnx;

import io.deem.graph.Param;
import io.deem.weights.TensorSource;
import java.util.Objects;
import java.util.Optional;

/**
 * Says which matrices of linear layers and which embedding tables are quantised. It is asked for
 * parameters that nothing else reads; see {@link io.deem.graph.Block#matrices()}.
 */
public interface LinearWeights extends AutoCloseable {

  /** Every matrix as it is. */
  LinearWeights AS_THEY_ARE = weight -> Optional.empty();

  /**
   * The quantised form of a matrix.
   *
   * @param weight a parameter [out, in]
   * @return empty to compute with the numbers that the session's weights hold
   */
  Optional<Quantized> quantized(Param weight);

  /** What they are, for reports. */
  default String precision() {
    return "fp32";
  }

  /** Called when the session that was opened with this is closed. */
  @Override
  default void close() {}

  /**
   * A matrix [out, in] in blocks along its rows, as ONNX Runtime's {@code MatMulNBits} takes it; or
   * a table whose width is a multiple of the block size.
   *
   * @param bits of a number: 4 or 8
   * @param blockSize numbers with a common scale: a power of two, at least 16
   * @param accuracyLevel what the products are computed in: 0 for the kernel's choice, 1 for 32-bit
   *     floating point, 4 for 8-bit integers
   * @param source holds the tensors named next; it must stay open as long as the session
   * @param values U8 tensor [out, blocks, blockSize * bits / 8]
   * @param scales F32 tensor with a scale for each block, [out, blocks] or [out * blocks]
   * @param zeroPoints U8 tensor [out, bytes], packed as {@code MatMulNBits} documents it, or null
   *     if zero is the middle of the range
   */
  record Quantized(
      int bits,
      int blockSize,
      int accuracyLevel,
      TensorSource source,
      String values,
      String scales,
      String zeroPoints) {

    /** Checks the numbers that the kernel relies on. */
    public Quantized {
      if (bits != 4 && bits != 8) {
        throw new IllegalArgumentException("bits must be 4 or 8, not " + bits);
      }
      if (blockSize < 16 || Integer.bitCount(blockSize) != 1) {
        throw new IllegalArgumentException(
            "blockSize must be a power of two from 16, not " + blockSize);
      }
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(values, "values");
      Objects.requireNonNull(scales, "scales");
    }
  }
}
