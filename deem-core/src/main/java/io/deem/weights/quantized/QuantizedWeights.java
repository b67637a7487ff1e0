package io.deem.weights.quantized;

import io.deem.json.ErrorText;
import io.deem.portable.Bounds;
import io.deem.weights.ElementType;
import io.deem.weights.MalformedWeightsException;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file of quantised matrices, mapped and read only; for any number of threads. An engine either
 * maps {@link #file()} itself, at the offsets that {@link QuantizedMatrix} gives, or takes the
 * mapped bytes from {@link #tensors()}.
 */
public final class QuantizedWeights implements AutoCloseable {
  private final Path path;
  private final SafetensorsFile tensors;
  private final Map<String, QuantizedMatrix> matrices;

  private QuantizedWeights(
      Path path, SafetensorsFile tensors, Map<String, QuantizedMatrix> matrices) {
    this.path = path;
    this.tensors = tensors;
    this.matrices = matrices;
  }

  /**
   * Opens a file and checks that it holds these matrices and how.
   *
   * @param wanted what the metadata must say
   */
  static QuantizedWeights open(
      Path path,
      Quantization quantization,
      List<StackedMatrix> stacks,
      TensorSource source,
      Map<String, String> wanted)
      throws IOException {
    SafetensorsFile file = SafetensorsFile.open(path);
    boolean good = false;
    try {
      for (Map.Entry<String, String> line : wanted.entrySet()) {
        String found = file.metadata().get(line.getKey());
        if (!line.getValue().equals(found)) {
          throw new MalformedWeightsException(
              path
                  + ": "
                  + line.getKey()
                  + " is "
                  + (found == null ? "absent" : ErrorText.quote(found))
                  + ", not "
                  + line.getValue());
        }
      }
      Map<String, QuantizedMatrix> matrices = new LinkedHashMap<>();
      for (StackedMatrix stack : stacks) {
        StackedMatrix.Size size = stack.size(source);
        matrices.put(stack.name(), matrix(path, file, quantization, stack.name(), size));
      }
      good = true;
      return new QuantizedWeights(path, file, Collections.unmodifiableMap(matrices));
    } finally {
      if (!good) {
        file.close();
      }
    }
  }

  private static QuantizedMatrix matrix(
      Path path, SafetensorsFile file, Quantization how, String name, StackedMatrix.Size size)
      throws MalformedWeightsException {
    long rows = size.rows();
    long columns = size.columns();
    return new QuantizedMatrix(
        name,
        rows,
        columns,
        how,
        tensor(
            path,
            file,
            name + WeightQuantizer.CODES,
            ElementType.U8,
            how.codesShape(rows, columns)),
        tensor(
            path,
            file,
            name + WeightQuantizer.SCALES,
            ElementType.F32,
            how.scalesShape(rows, columns)),
        how.symmetric()
            ? Optional.empty()
            : Optional.of(
                tensor(
                    path,
                    file,
                    name + WeightQuantizer.ZERO_POINTS,
                    ElementType.U8,
                    how.zeroPointsShape(rows, columns))));
  }

  private static TensorInfo tensor(
      Path path, SafetensorsFile file, String name, ElementType type, long[] shape)
      throws MalformedWeightsException {
    if (!file.contains(name)) {
      throw new MalformedWeightsException(path + ": no tensor " + ErrorText.quote(name));
    }
    TensorInfo info = file.info(name);
    if (info.type() != type || !Arrays.equals(info.shape(), shape)) {
      throw new MalformedWeightsException(
          String.format(
              "%s: tensor %s is %s%s, not %s%s",
              path,
              ErrorText.quote(name),
              info.type(),
              Arrays.toString(info.shape()),
              type,
              Arrays.toString(shape)));
    }
    return info;
  }

  /** The safetensors file, for an engine that maps it. */
  public Path file() {
    return path;
  }

  /** The file's tensors, as stored. */
  public TensorSource tensors() {
    return tensors;
  }

  /** What the file says about itself. */
  Map<String, String> metadata() {
    return tensors.metadata();
  }

  /** The matrices, in the order in which they were asked for. */
  public Collection<QuantizedMatrix> matrices() {
    return matrices.values();
  }

  /**
   * One matrix.
   *
   * @throws IllegalArgumentException if it is not among those that were asked for
   */
  public QuantizedMatrix matrix(String name) {
    QuantizedMatrix matrix = matrices.get(name);
    if (matrix == null) {
      throw new IllegalArgumentException(
          path
              + ": no quantised matrix "
              + ErrorText.quote(name)
              + " among its "
              + matrices.size());
    }
    return matrix;
  }

  /**
   * The numbers that rows of a matrix stand for.
   *
   * @param first the first row
   * @param count how many rows
   * @return [count, columns]
   * @throws IndexOutOfBoundsException if there are no such rows
   */
  public float[] dequantize(String name, long first, int count) {
    QuantizedMatrix matrix = matrix(name);
    Bounds.checkRange(first, count, matrix.rows());
    Quantization how = matrix.quantization();
    int columns = (int) matrix.columns();
    int blocks = (int) how.blocks(columns);
    int rowBytes = blocks * how.blockBytes();
    int rowZeros = (int) how.zeroPointBytes(columns);
    float[] values = new float[Math.multiplyExact(count, columns)];
    for (int r = 0; r < count; r++) {
      long row = first + r;
      ByteBuffer codes = piece(matrix.codes(), row * rowBytes, rowBytes);
      ByteBuffer scales = piece(matrix.scales(), row * blocks * Float.BYTES, blocks * Float.BYTES);
      ByteBuffer zeros =
          how.symmetric() ? null : piece(matrix.zeroPoints().get(), row * rowZeros, rowZeros);
      for (int c = 0; c < columns; c++) {
        int block = c / how.blockSize();
        int zero = zeros == null ? how.middle() : code(zeros, how.bits(), block);
        values[r * columns + c] =
            scales.getFloat(block * Float.BYTES) * (code(codes, how.bits(), c) - zero);
      }
    }
    return values;
  }

  private ByteBuffer piece(TensorInfo tensor, long from, int length) {
    byte[] bytes = new byte[length];
    int done = 0;
    while (done < length) {
      // A row may lie across the windows of a file that is mapped in several.
      long at = from + done;
      ByteBuffer piece = tensors.bytes(tensor.name(), at);
      int count = Math.min(length - done, piece.remaining());
      piece.get(bytes, done, count);
      done += count;
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int code(ByteBuffer packed, int bits, int i) {
    return bits == 8 ? packed.get(i) & 0xff : packed.get(i / 2) >> (i % 2 * 4) & 0xf;
  }

  /** Ends reading through this object; what an engine mapped itself stays. */
  @Override
  public void close() {
    tensors.close();
  }
}
