package io.deem.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.ShapeException;
import io.deem.graph.Value;
import io.deem.ort.OnnxSession;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights, threads, lifetimes and errors of the ONNX Runtime engine. */
class OnnxEngineTest {

  private static final OnnxEngine ENGINE = new OnnxEngine(1);
  private static final int IN = 32;
  private static final int OUT = 3;

  private static final Block LINEAR =
      Graph.block(
          "the layer",
          g ->
              List.of(
                  g.input("x", Shape.of(Dim.symbol("batch"), 2, IN))
                      .linear(
                          g.param(Param.of("weight", OUT, IN)), g.param(Param.of("bias", OUT)))));

  @TempDir Path folder;

  /** Small numbers that every type holds exactly. */
  private static float weight(int row, int column) {
    return ((row * 5 + column * 3) % 16 - 8) / 4f;
  }

  private static float[] weights() {
    float[] values = new float[OUT * IN];
    for (int i = 0; i < values.length; i++) {
      values[i] = weight(i / IN, i % IN);
    }
    return values;
  }

  private static float[] inputs(int batch) {
    float[] values = new float[batch * 2 * IN];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 7 % 11 - 5) / 8f;
    }
    return values;
  }

  private static float[] expected(int batch) {
    float[] x = inputs(batch);
    float[] y = new float[batch * 2 * OUT];
    for (int i = 0; i < y.length; i++) {
      float sum = i % OUT;
      for (int k = 0; k < IN; k++) {
        sum += x[i / OUT * IN + k] * weight(i % OUT, k);
      }
      y[i] = sum;
    }
    return y;
  }

  private ModelWeights stored(ElementType type) throws IOException {
    Path file = folder.resolve("model.safetensors");
    new SafetensorsWriter()
        .floats("bias", type, new long[] {OUT}, () -> new float[] {0, 1, 2})
        .floats("weight", type, new long[] {OUT, IN}, OnnxEngineTest::weights)
        .write(file);
    return ModelWeights.open(folder);
  }

  private static float[] run(OnnxSession session, int batch) {
    try (Scope scope = session.scope()) {
      return scope.run1(LINEAR, scope.floats(inputs(batch), batch, 2, IN)).floats();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void weightsAreTakenFromTheirFileInAnyType(ElementType type) throws IOException {
    try (TensorSource weights = stored(type);
        OnnxSession session = ENGINE.open(weights)) {
      assertEquals(Optional.of(folder.resolve("model.safetensors")), weights.file("weight"));
      assertArrayEquals(expected(1), run(session, 1), 1e-5f);
      assertArrayEquals(expected(4), run(session, 4), 1e-5f);
    }
  }

  @Test
  void aFileThatWasReplacedIsNotedBeforeItIsMapped() throws IOException {
    try (TensorSource weights = stored(ElementType.F32);
        OnnxSession session = ENGINE.open(weights)) {
      Files.setLastModifiedTime(folder.resolve("model.safetensors"), FileTime.fromMillis(1));
      String message =
          assertThrows(IllegalStateException.class, () -> run(session, 1)).getMessage();
      assertTrue(message.contains("model.safetensors: was replaced"), message);
    }
  }

  @Test
  void aMatrixMayBeQuantised() throws IOException {
    // Four bits hold 0 to 15, of which 8 stands for 0: the weights are these times a quarter.
    long[] packed = new long[OUT * IN / 2];
    for (int i = 0; i < packed.length; i++) {
      int low = Math.round(weight(2 * i / IN, 2 * i % IN) * 4) + 8;
      int high = Math.round(weight(2 * i / IN, 2 * i % IN + 1) * 4) + 8;
      packed[i] = low | high << 4;
    }
    Path cache = folder.resolve("quantised.safetensors");
    new SafetensorsWriter()
        .longs("values", ElementType.U8, new long[] {OUT, 2, 8}, () -> packed)
        .floats(
            "scales",
            ElementType.F32,
            new long[] {OUT, 2},
            () -> new float[] {0.25f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f})
        .write(cache);
    List<String> asked = new ArrayList<>();
    try (TensorSource weights = stored(ElementType.BF16);
        TensorSource quantised = ModelWeights.open(cache);
        OnnxSession session =
            ENGINE.open(
                weights,
                param -> {
                  asked.add(param.name());
                  return Optional.of(
                      new LinearWeights.Quantized(4, 16, 0, quantised, "values", "scales", null));
                })) {
      assertArrayEquals(expected(2), run(session, 2), 1e-4f);
    }
    assertEquals(List.of("weight"), asked);
  }

  @Test
  void manyThreadsShareASession() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try (TensorSource weights = stored(ElementType.F32);
        OnnxSession session = ENGINE.open(weights)) {
      List<Callable<float[]>> calls = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        int batch = 1 + i % 5;
        calls.add(() -> run(session, batch));
      }
      List<Future<float[]>> results = threads.invokeAll(calls);
      for (int i = 0; i < results.size(); i++) {
        assertArrayEquals(expected(1 + i % 5), results.get(i).get(), 1e-5f);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void valuesLiveAsLongAsTheirScope() throws IOException {
    try (TensorSource weights = stored(ElementType.F32);
        OnnxSession session = ENGINE.open(weights)) {
      Scope outer = session.scope();
      Value kept;
      Value lost;
      try (Scope inner = outer.child()) {
        Value x = inner.floats(inputs(1), 1, 2, IN);
        kept = inner.keep(inner.run1(LINEAR, x));
        lost = inner.run1(LINEAR, x);
      }
      assertArrayEquals(expected(1), kept.floats(), 1e-5f);
      assertArrayEquals(new long[] {1, 2, OUT}, kept.shape());
      assertThrows(IllegalStateException.class, lost::floats);
      assertThrows(IllegalStateException.class, () -> outer.keep(kept));
      outer.close();
      assertThrows(IllegalStateException.class, kept::shape);
      assertThrows(IllegalStateException.class, () -> outer.floats(new float[1], 1));
    }
  }

  @Test
  void aClosedSessionRunsNothing() throws IOException {
    try (TensorSource weights = stored(ElementType.F32)) {
      OnnxSession session = ENGINE.open(weights);
      run(session, 1);
      session.close();
      session.close();
      assertThrows(IllegalStateException.class, () -> run(session, 1));
    }
  }

  @Test
  void errorsNameTheBlockAndTheOperation() throws IOException {
    Block lookUp =
        Graph.block(
            "the look-up",
            g ->
                List.of(
                    g.param(Param.of("weight", OUT, IN))
                        .embedding(g.input("ids", Shape.of(1), DataType.INT64))));
    try (TensorSource weights = stored(ElementType.F32);
        OnnxSession session = ENGINE.open(weights);
        Scope scope = session.scope()) {
      String message =
          assertThrows(
                  IllegalStateException.class,
                  () -> scope.run(lookUp, scope.longs(new long[] {OUT}, 1)))
              .getMessage();
      assertTrue(message.contains("the look-up") && message.contains("EMBEDDING#"), message);
      message =
          assertThrows(
                  ShapeException.class,
                  () -> scope.run(LINEAR, scope.floats(new float[IN], 1, 1, IN)))
              .getMessage();
      assertTrue(message.contains("the layer") && message.contains("x"), message);
      assertThrows(IllegalArgumentException.class, () -> scope.floats(new float[3], 2));
      assertThrows(IllegalStateException.class, () -> scope.longs(new long[1]).floats());
    }
  }
}
