package io.deem.runtime.cpu;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import io.deem.onnx.LinearWeights;
import io.deem.onnx.OnnxEngine;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.quantized.Quantization;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** How fast a row is multiplied by a quantised matrix; measured once a process and size. */
final class ProductSpeed {

  /** Enough to leave the caches behind, and little enough to write and read in a moment. */
  private static final long MOST_NUMBERS = 16L << 20;

  private static final int WARM_UPS = 3;
  private static final int TIMES = 9;

  private static final Map<Key, Double> MEASURED = new ConcurrentHashMap<>();

  private record Key(long rows, long columns, Quantization quantization) {}

  private ProductSpeed() {}

  /**
   * Products a second, the median of some.
   *
   * @param matrix has the size, of which at most {@value #MOST_NUMBERS} numbers are measured
   */
  static double of(OnnxEngine engine, Param matrix, Quantization quantization) throws IOException {
    long columns = matrix.shape().dim(1).value();
    long rows = Math.max(1, Math.min(matrix.shape().dim(0).value(), MOST_NUMBERS / columns));
    Key key = new Key(rows, columns, quantization);
    Double known = MEASURED.get(key);
    if (known != null) {
      return known;
    }
    Path file = Files.createTempFile("deem-probe", ".safetensors");
    try {
      write(file, rows, columns, quantization);
      double speed = measure(engine, file, rows, columns, quantization);
      MEASURED.put(key, speed);
      return speed;
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static void write(Path file, long rows, long columns, Quantization how)
      throws IOException {
    int blocks = Math.toIntExact(how.blocks(columns));
    byte[] codes = new byte[Math.toIntExact(rows * blocks * how.blockBytes())];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (i * 37);
    }
    ByteBuffer scales =
        ByteBuffer.allocate(Math.toIntExact(rows * blocks * Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    while (scales.hasRemaining()) {
      scales.putFloat(0.01f);
    }
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.reserve("codes", ElementType.U8, new long[] {rows, blocks, how.blockBytes()});
    writer.reserve("scales", ElementType.F32, new long[] {rows, blocks});
    writer.write(
        file,
        places -> {
          places.apply("codes").write(0, ByteBuffer.wrap(codes));
          places.apply("scales").write(0, scales.flip());
        });
  }

  private static double measure(
      OnnxEngine engine, Path file, long rows, long columns, Quantization how) throws IOException {
    Param weight = Param.of("probe", rows, columns);
    Block product =
        Graph.block(
            "probe",
            g -> List.of(new Linear(weight, null).apply(g.input("row", Shape.of(1, columns)))));
    try (SafetensorsFile stored = SafetensorsFile.open(file);
        Session session = engine.open(stored, form(stored, how));
        Scope scope = session.scope()) {
      Value row = scope.floats(new float[Math.toIntExact(columns)], 1, columns);
      double[] seconds = new double[TIMES];
      for (int i = -WARM_UPS; i < TIMES; i++) {
        long start = System.nanoTime();
        scope.run1(product, row);
        if (i >= 0) {
          seconds[i] = (System.nanoTime() - start) / 1e9;
        }
      }
      Arrays.sort(seconds);
      return 1 / seconds[TIMES / 2];
    }
  }

  private static LinearWeights form(SafetensorsFile stored, Quantization how) {
    LinearWeights.Quantized form =
        new LinearWeights.Quantized(
            how.bits(), how.blockSize(), 4, stored, "codes", "scales", null);
    return weight -> Optional.of(form);
  }
}
