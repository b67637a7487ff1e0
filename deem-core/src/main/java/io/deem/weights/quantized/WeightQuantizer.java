package io.deem.weights.quantized;

import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.json.ErrorText;
import io.deem.weights.ElementType;
import io.deem.weights.MalformedWeightsException;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Quantises matrices into a safetensors file, a few rows at a time by each of several threads: what
 * is in memory does not grow with the model, and the file's bytes do not depend on the threads.
 *
 * <p>A matrix {@code NAME} of [rows, columns] becomes {@code NAME.codes}, {@code NAME.scales} and,
 * when asymmetric, {@code NAME.zero_points}, shaped as {@link Quantization} says. Codes of four
 * bits lie two to a byte, the earlier in the lower half; so do zero points.
 */
final class WeightQuantizer {

  static final String CODES = ".codes";
  static final String SCALES = ".scales";
  static final String ZERO_POINTS = ".zero_points";

  /** Numbers that a thread reads at a time; a row longer than that is read whole. */
  private static final int RUN = 1 << 19;

  private final TensorSource source;
  private final Quantization quantization;
  private final List<StackedMatrix> matrices;
  private final int threads;
  private final ProgressListener listener;

  /** Consecutive rows of one part: its {@code row}-th on, which are the matrix's {@code at}-th. */
  private record Run(
      StackedMatrix matrix, String part, long columns, long row, int rows, long at) {}

  WeightQuantizer(
      TensorSource source,
      Quantization quantization,
      List<StackedMatrix> matrices,
      int threads,
      ProgressListener listener) {
    this.source = source;
    this.quantization = quantization;
    this.matrices = matrices;
    this.threads = threads;
    this.listener = listener;
  }

  /** Writes the file in one step; a failure leaves nothing behind. */
  void write(Path file, Map<String, String> metadata) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    metadata.forEach(writer::metadata);
    List<Run> runs = new ArrayList<>();
    // Codes behind codes, so that one product can read those of several matrices as one.
    for (StackedMatrix matrix : matrices) {
      StackedMatrix.Size size = matrix.size(source);
      long[] codes = quantization.codesShape(size.rows(), size.columns());
      writer.reserve(matrix.name() + CODES, ElementType.U8, codes);
      addRuns(runs, matrix, size.columns());
    }
    for (StackedMatrix matrix : matrices) {
      StackedMatrix.Size size = matrix.size(source);
      long[] scales = quantization.scalesShape(size.rows(), size.columns());
      writer.reserve(matrix.name() + SCALES, ElementType.F32, scales);
      if (!quantization.symmetric()) {
        long[] zeros = quantization.zeroPointsShape(size.rows(), size.columns());
        writer.reserve(matrix.name() + ZERO_POINTS, ElementType.U8, zeros);
      }
    }
    writer.write(file, places -> fill(runs, places));
  }

  private void addRuns(List<Run> runs, StackedMatrix matrix, long columns) {
    long most = Math.max(1, RUN / columns);
    long at = 0;
    for (String part : matrix.parts()) {
      long rows = source.info(part).shape()[0];
      for (long row = 0; row < rows; row += most) {
        int count = (int) Math.min(most, rows - row);
        runs.add(new Run(matrix, part, columns, row, count, at + row));
      }
      at += rows;
    }
  }

  private void fill(List<Run> runs, Function<String, SafetensorsWriter.Place> places)
      throws IOException {
    long start = System.nanoTime();
    Workers.run(
        threads,
        runs.size(),
        () -> {
          RunQuantizer quantizer = new RunQuantizer(places);
          return task -> quantizer.quantize(runs.get(task));
        },
        started -> listener.onProgress(progress(started, runs.size(), start)));
  }

  private static Progress progress(long done, long all, long start) {
    double seconds = (System.nanoTime() - start) / 1e9;
    double each = done == 0 ? 0 : seconds / done;
    return new Progress(
        "quantising weights",
        done,
        all,
        Map.of(),
        done == 0 ? 0 : done / seconds,
        Duration.ofMillis(Math.round(each * (all - done) * 1000)));
  }

  /** One thread's part of the work, with its memory. */
  private final class RunQuantizer {
    private final Function<String, SafetensorsWriter.Place> places;
    private final BlockQuantizer blocks = new BlockQuantizer(quantization);
    private float[] values = new float[0];

    RunQuantizer(Function<String, SafetensorsWriter.Place> places) {
      this.places = places;
    }

    void quantize(Run run) throws IOException {
      int columns = (int) run.columns();
      int count = run.rows() * columns;
      if (values.length < count) {
        values = new float[count];
      }
      source.floats(run.part(), run.row() * columns, values, count);

      int rowBlocks = (int) quantization.blocks(columns);
      int rowBytes = rowBlocks * quantization.blockBytes();
      int rowZeros = quantization.symmetric() ? 0 : (int) quantization.zeroPointBytes(columns);
      byte[] codes = new byte[run.rows() * rowBytes];
      byte[] zeros = new byte[run.rows() * rowZeros];
      float[] scales = new float[run.rows() * rowBlocks];
      for (int r = 0; r < run.rows(); r++) {
        int strange =
            blocks.quantize(
                values,
                r * columns,
                columns,
                codes,
                r * rowBytes,
                scales,
                r * rowBlocks,
                zeros,
                r * rowZeros);
        if (strange >= 0) {
          throw new MalformedWeightsException(
              String.format(
                  "%s: tensor %s holds %s at [%d, %d], which cannot be quantised",
                  source.origin(run.part()),
                  ErrorText.quote(run.part()),
                  values[r * columns + strange],
                  run.row() + r,
                  strange));
        }
      }
      String name = run.matrix().name();
      places.apply(name + CODES).write(run.at() * rowBytes, ByteBuffer.wrap(codes));
      ByteBuffer scaleBytes =
          ByteBuffer.allocate(scales.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      scaleBytes.asFloatBuffer().put(scales);
      places.apply(name + SCALES).write(run.at() * rowBlocks * Float.BYTES, scaleBytes);
      if (!quantization.symmetric()) {
        places.apply(name + ZERO_POINTS).write(run.at() * rowZeros, ByteBuffer.wrap(zeros));
      }
    }
  }
}
