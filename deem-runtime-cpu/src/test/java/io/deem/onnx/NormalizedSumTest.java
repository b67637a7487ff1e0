package io.deem.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.RmsNorm;
import io.deem.ort.OnnxSession;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NormalizedSumTest {
  private static final int WIDTH = 8;
  private static final double EPSILON = 1e-5;

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    float[] gain = {1, 2, -1, 0.5f, 3, 0, 1, -2};
    writer.floats("norm.weight", ElementType.F32, new long[] {WIDTH}, () -> gain);
    writer.write(folder.resolve(ModelWeights.SINGLE_FILE));
  }

  /** The sum, its norm, and something else that is made of the sum. */
  private static Block block(Shape second) {
    return Graph.block(
        "sum and norm",
        g -> {
          Tensor x = g.input("x", Shape.of(1, Dim.symbol("length"), WIDTH));
          Tensor sum = x.plus(g.input("y", second));
          return List.of(RmsNorm.of("norm", WIDTH, EPSILON).apply(sum), sum, sum.times(sum));
        });
  }

  @Test
  void sumAndNormAreOneOperation() throws IOException {
    Shape alike = Shape.of(1, Dim.symbol("length"), WIDTH);
    try (ModelWeights weights = ModelWeights.open(folder)) {
      assertEquals(
          List.of("SkipSimplifiedLayerNormalization", "Mul"), operations(block(alike), weights));
      // The operation takes terms of one shape alone.
      assertEquals(
          List.of("Add", "RMSNormalization", "Mul"),
          operations(block(Shape.of(1, 1, WIDTH)), weights));
    }
  }

  private static List<String> operations(Block block, ModelWeights weights) throws IOException {
    return ModelProto.parseFrom(
            OnnxCompiler.compile(block, weights, LinearWeights.AS_THEY_ARE).bytes())
        .getGraph()
        .getNodeList()
        .stream()
        .map(NodeProto::getOpType)
        .filter(type -> !type.equals("Identity"))
        .toList();
  }

  @Test
  void resultsAreThoseOfTheirFormulas() throws IOException {
    Shape alike = Shape.of(1, Dim.symbol("length"), WIDTH);
    try (ModelWeights weights = ModelWeights.open(folder);
        OnnxSession session = new OnnxEngine(1).open(weights);
        Scope scope = session.scope()) {
      float[] x = new float[3 * WIDTH];
      float[] y = new float[3 * WIDTH];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) Math.sin(i);
        y[i] = (float) Math.cos(3 * i);
      }
      List<Value> results =
          scope.run(block(alike), scope.floats(x, 1, 3, WIDTH), scope.floats(y, 1, 3, WIDTH));
      float[] gain = weights.floats("norm.weight");
      float[] sum = new float[x.length];
      float[] norm = new float[x.length];
      float[] square = new float[x.length];
      for (int row = 0; row < 3; row++) {
        double squares = 0;
        for (int i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
          sum[i] = x[i] + y[i];
          square[i] = sum[i] * sum[i];
          squares += square[i];
        }
        for (int i = row * WIDTH; i < (row + 1) * WIDTH; i++) {
          norm[i] = (float) (sum[i] / Math.sqrt(squares / WIDTH + EPSILON) * gain[i % WIDTH]);
        }
      }
      assertArrayEquals(norm, results.get(0).floats(), 1e-5f);
      assertArrayEquals(sum, results.get(1).floats(), 1e-6f);
      assertArrayEquals(square, results.get(2).floats(), 1e-5f);
    }
  }
}
