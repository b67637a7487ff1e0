package io.deem.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import com.google.protobuf.InvalidProtocolBufferException;
import io.deem.ProgressListener;
import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import io.deem.ort.OnnxSession;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.quantized.Quantization;
import io.deem.weights.quantized.QuantizationCache;
import io.deem.weights.quantized.StackedMatrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinearStacksTest {
  private static final int WIDTH = 64;

  /** In the order in which they are stored. */
  private static final List<Linear> STORED =
      List.of(linear("query", 64), linear("key", 32), linear("value", 32), linear("other", 96));

  @TempDir Path folder;

  private static Linear linear(String name, int out) {
    return Linear.withoutBias(name, WIDTH, out);
  }

  @BeforeEach
  void write() throws IOException {
    Random random = new Random(3);
    SafetensorsWriter writer = new SafetensorsWriter();
    for (Linear linear : STORED) {
      long[] shape = linear.weight().shape().extents();
      float[] x = new float[(int) (shape[0] * shape[1])];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) random.nextGaussian() * 0.1f;
      }
      writer.floats(linear.weight().name(), ElementType.F32, shape, () -> x);
    }
    writer.write(folder.resolve(ModelWeights.SINGLE_FILE));
  }

  private static Block block(int... order) {
    return Graph.block(
        "linears",
        g -> {
          Tensor x = g.input("x", Shape.of(Dim.symbol("rows"), WIDTH));
          return Arrays.stream(order).mapToObj(i -> STORED.get(i).apply(x)).toList();
        });
  }

  private QuantizedLinears quantized(ModelWeights source, boolean symmetric) throws IOException {
    List<StackedMatrix> matrices =
        STORED.stream().map(linear -> StackedMatrix.of(linear.weight().name())).toList();
    return new QuantizedLinears(
        QuantizationCache.of(folder)
            .open(source, new Quantization(4, 32, symmetric), matrices, 1, ProgressListener.NONE));
  }

  private static List<String> operations(Block block, ModelWeights source, LinearWeights linear)
      throws InvalidProtocolBufferException {
    return ModelProto.parseFrom(OnnxCompiler.compile(block, source, linear).bytes())
        .getGraph()
        .getNodeList()
        .stream()
        .map(NodeProto::getOpType)
        .filter(type -> !type.equals("Identity"))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void neighboursAreOneProduct(boolean symmetric) throws IOException {
    try (ModelWeights source = ModelWeights.open(folder);
        QuantizedLinears linear = quantized(source, symmetric)) {
      assertEquals(List.of("MatMulNBits", "Split"), operations(block(0, 1, 2), source, linear));
      // The second does not follow the first; the third follows the second.
      assertEquals(
          List.of("MatMulNBits", "MatMulNBits", "Split"),
          operations(block(0, 2, 3), source, linear));
    }
  }

  @Test
  void resultsAreThoseOfEachAlone() throws IOException {
    try (ModelWeights source = ModelWeights.open(folder);
        OnnxSession session = new OnnxEngine(1).open(source, quantized(source, true));
        Scope scope = session.scope()) {
      float[] numbers = new float[2 * WIDTH];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (float) Math.sin(i);
      }
      Value x = scope.floats(numbers, 2, WIDTH);
      List<Value> together = scope.run(block(0, 1, 2, 3), x);
      for (int i = 0; i < STORED.size(); i++) {
        float[] alone = scope.run1(block(i), x).floats();
        assertArrayEquals(alone, together.get(i).floats(), 1e-6f, STORED.get(i).weight().name());
      }
    }
  }
}
