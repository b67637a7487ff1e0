package io.deem.torch;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Brings stored weights to where a session computes, tensor by tensor, from the mapped file through
 * page-locked memory, without an array of Java's between.
 */
final class WeightLoader {

  private static final int BYTES_OF_BFLOAT16 = 2;

  private final TorchOptions options;
  private final TensorSource weights;

  WeightLoader(TorchOptions options, TensorSource weights) {
    this.options = options;
    this.weights = weights;
  }

  /**
   * Loads a tensor.
   *
   * @param narrow whether it may be kept in bfloat16
   * @param onHost whether it stays in the processor's memory, page-locked
   */
  PtNDArray load(TorchScope scope, String name, long[] extents, boolean narrow, boolean onHost) {
    TensorInfo info = weights.require(name, extents);
    boolean bits = info.type() == ElementType.BF16 && extents.length > 0;
    DataType stored =
        switch (info.type()) {
          case F32 -> DataType.FLOAT32;
          case F16 -> DataType.FLOAT16;
          // DJL has no such arrays; the bytes are given their meaning inside the script.
          case BF16 -> bits ? DataType.UINT8 : null;
          default -> null;
        };
    boolean low = narrow && options.narrowWeights();
    boolean lastChannels = options.channelsLast() && extents.length == 4;
    PtSymbolBlock script =
        TorchEngine.script(source(bits, low, lastChannels, onHost ? Target.HOST : Target.DEVICE));
    PtNDManager host = scope.hostManager();
    ByteBuffer bytes;
    if (stored == null) {
      float[] values = weights.floats(name, extents);
      bytes = ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES));
      bytes.order(ByteOrder.nativeOrder()).asFloatBuffer().put(values);
      stored = DataType.FLOAT32;
    } else {
      bytes = weights.bytes(name);
    }
    long[] aliased = extents.clone();
    if (bits) {
      aliased[aliased.length - 1] *= BYTES_OF_BFLOAT16;
    }
    try (PtNDArray alias = host.create(bytes, new Shape(aliased), stored)) {
      return TorchValue.arrayOf(scope.call(script, List.of(alias)).get(0));
    } finally {
      // The map may go once its last buffer is garbage, but not while it is being copied.
      Reference.reachabilityFence(bytes);
    }
  }

  /** Where a tensor is to stay. */
  enum Target {
    DEVICE,
    HOST
  }

  /**
   * The script that brings a tensor there.
   *
   * @param bits whether it comes as the bytes of bfloat16
   * @param low whether it becomes bfloat16
   * @param lastChannels whether its channels are to lie together
   */
  String source(boolean bits, boolean low, boolean lastChannels, Target target) {
    int type = low ? Precision.BFLOAT16 : options.precision().scalarType;
    StringBuilder body =
        new StringBuilder("  def forward(self: __torch__.Block, x: Tensor) -> Tensor:\n");
    if (bits) {
      body.append("    x = torch.view_copy(x, dtype=15)\n");
    }
    String device = target == Target.HOST ? TorchOptions.CPU : options.device();
    // The copy is forced: the memory behind the argument is a file's, and read only.
    if (options.onGpu() && target == Target.HOST) {
      body.append("    y = torch.pin_memory(torch.to(x, ").append(type).append(", False, True))\n");
    } else {
      if (options.onGpu()) {
        body.append("    x = torch.pin_memory(x)\n");
      }
      body.append("    y = torch.to(x, torch.device(\"")
          .append(device)
          .append("\"), ")
          .append(type)
          .append(", ")
          .append(options.onGpu() ? "True" : "False")
          .append(", True)\n");
    }
    return body.append("    return ")
        .append(lastChannels ? "torch.contiguous(y, memory_format=2)" : "y")
        .append('\n')
        .toString();
  }
}
