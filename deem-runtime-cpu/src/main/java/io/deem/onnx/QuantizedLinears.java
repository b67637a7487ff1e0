package io.deem.onnx;

import io.deem.graph.Param;
import io.deem.weights.TensorInfo;
import io.deem.weights.quantized.QuantizedMatrix;
import io.deem.weights.quantized.QuantizedWeights;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Matrices from a file of quantised ones, each under its parameter's name. */
public final class QuantizedLinears implements LinearWeights {

  /**
   * The inputs of products are rounded to 8 bits in the weights' blocks, too: the kernels for that
   * are many times as fast.
   */
  private static final int EIGHT_BITS = 4;

  private final QuantizedWeights weights;
  private final Map<String, QuantizedMatrix> matrices = new HashMap<>();

  /** Takes over the weights. */
  public QuantizedLinears(QuantizedWeights weights) {
    this.weights = weights;
    weights.matrices().forEach(matrix -> matrices.put(matrix.name(), matrix));
  }

  @Override
  public Optional<Quantized> quantized(Param weight) {
    return Optional.ofNullable(matrices.get(weight.name()))
        .map(
            matrix ->
                new Quantized(
                    matrix.quantization().bits(),
                    matrix.quantization().blockSize(),
                    EIGHT_BITS,
                    weights.tensors(),
                    matrix.codes().name(),
                    matrix.scales().name(),
                    matrix.zeroPoints().map(TensorInfo::name).orElse(null)));
  }

  @Override
  public String precision() {
    return matrices.values().stream()
        .findFirst()
        .map(matrix -> "int" + matrix.quantization().bits())
        .orElse(LinearWeights.super.precision());
  }

  @Override
  public void close() {
    weights.close();
  }
}
