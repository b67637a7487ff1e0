package io.deem.weights.quantized;

import io.deem.weights.TensorInfo;
import java.util.Optional;

/**
 * Where a quantised matrix lies in its file. The same bytes serve ONNX Runtime in two ways.
 *
 * <p><b>MatMulNBits</b> ({@code K} = columns, {@code N} = rows) takes {@code codes} with its own
 * shape as B, {@code scales} as [rows * blocks] or [rows, blocks], and {@code zeroPoints}.
 *
 * <p><b>GatherBlockQuantized</b> ({@code gather_axis} 0, {@code quantize_axis} 1, {@code bits}),
 * for embeddings, takes {@code codes} as [rows, blocks * bytes of a block], {@code scales} as
 * [rows, blocks] and {@code zeroPoints}; columns must then be a multiple of the block size.
 *
 * @param name the matrix
 * @param rows outputs of the layer, or tokens
 * @param columns inputs of the layer, or width
 * @param quantization how its numbers are stored
 * @param codes U8 [rows, blocks, bytes of a block]
 * @param scales F32 [rows, blocks]
 * @param zeroPoints U8 [rows, bytes of a row's zero points]; empty when symmetric
 */
public record QuantizedMatrix(
    String name,
    long rows,
    long columns,
    Quantization quantization,
    TensorInfo codes,
    TensorInfo scales,
    Optional<TensorInfo> zeroPoints) {}
