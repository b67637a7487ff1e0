package io.deem.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is done for GPUs, on the processor. */
class AcceleratedTest {

  private static final TorchOptions GPU = TorchOptions.accelerated(TorchOptions.CPU);
  private static final Param TABLE = Param.of("table", 4, 3);
  private static final Param NORM = Param.of("norm", 3);
  private static final Param OUT = Param.of("out", 2, 3);
  private static final Param SHIFT = Param.of("shift", 1, 3);

  /** Looks up, adds, normalises, multiplies. */
  private static final Block NETWORK =
      Graph.block(
          "network",
          g -> {
            Tensor ids = g.input("ids", Shape.of(Dim.symbol("count")), DataType.INT64);
            Tensor x = g.param(TABLE).embedding(ids).plus(g.param(SHIFT));
            return List.of(
                x.rmsNorm(g.param(NORM), 1e-6).linear(g.param(OUT), null).sum(false, 0, 1));
          });

  // Numbers that bfloat16 has, so that narrowing changes nothing.
  private static final float[] TABLE_NUMBERS = {1, 2, 3, -1, 0.5f, 2, 4, -2, 1, 0.25f, 3, -3};

  @TempDir static Path folder;

  private static SafetensorsFile weights;

  @BeforeAll
  static void write() throws IOException {
    Path file = folder.resolve("weights.safetensors");
    new SafetensorsWriter()
        .floats("table", ElementType.BF16, new long[] {4, 3}, () -> TABLE_NUMBERS)
        .floats("norm", ElementType.F32, new long[] {3}, () -> new float[] {1, 0.7f, 1.3f})
        .floats("out", ElementType.F16, new long[] {2, 3}, () -> new float[] {1, 2, -1, 0, 1, 3})
        .floats("shift", ElementType.F64, new long[] {1, 3}, () -> new float[] {0.1f, 0, -0.3f})
        .write(file);
    weights = SafetensorsFile.open(file);
  }

  @AfterAll
  static void close() {
    weights.close();
  }

  private static float result(TorchSession session) {
    try (Scope scope = session.scope()) {
      return scope.run1(NETWORK, scope.longs(new long[] {1, 3, 0}, 3)).scalar();
    }
  }

  private static float exact() {
    try (TorchSession session = new TorchEngine().open(weights)) {
      return result(session);
    }
  }

  @Test
  void whatOnlyProductsAndLookUpsReadIsKeptInBfloat16() {
    try (TorchSession session = new TorchEngine(GPU).open(weights)) {
      assertEquals(exact(), result(session), 0.05);
      assertEquals(Set.of("table", "out"), session.narrowParams());
      assertArrayEquals(TABLE_NUMBERS, session.param("table").floats());
      assertArrayEquals(new float[] {0.1f, 0, -0.3f}, session.param("shift").floats());
      session.set("out", new float[] {2, 4, -2, 0, 2, 6});
      assertEquals(2 * exact(), result(session), 0.1);
    }
  }

  @Test
  void whatLearnsIsKeptIn32Bits() {
    try (TorchSession session = new TorchEngine(GPU).open(weights)) {
      float frozen = result(session);
      session.trainable(name -> name.equals("out"));
      assertEquals(Set.of("table"), session.narrowParams());
      try (TorchScope scope = session.trainingScope()) {
        Value sum = scope.run1(NETWORK, scope.longs(new long[] {1, 3, 0}, 3));
        assertEquals(frozen, sum.scalar());
        scope.backward(sum);
        assertEquals(6, scope.gradient("out").floats().length);
      }
      assertEquals(List.of("out"), session.trainableParams());
    }
  }

  @Test
  void whatStaysInTheProcessorsMemoryGivesTheSame() {
    try (TorchSession session = new TorchEngine(GPU).open(weights);
        TorchSession visited = new TorchEngine(GPU.withResidentBytes(0)).open(weights)) {
      visited.trainable(name -> name.equals("norm"));
      assertEquals(result(session), result(visited));
      assertEquals(Set.of("table", "out", "shift"), visited.offloaded());
      try (TorchScope scope = visited.trainingScope()) {
        scope.backward(scope.run1(NETWORK, scope.longs(new long[] {2}, 1)));
        assertEquals(3, scope.gradient("norm").floats().length);
      }
    }
  }

  @Test
  void whatFitsStaysOnTheDevice() {
    // Under bfloat16 the table takes 24 bytes, out 12, norm 12 and shift 12.
    for (long bytes : List.of(23L, 24L, 36L, 59L, 60L)) {
      try (TorchSession session = new TorchEngine(GPU.withResidentBytes(bytes)).open(weights)) {
        assertEquals(exact(), result(session), 0.05);
        Set<String> away = session.offloaded();
        long resident = 60;
        for (String name : away) {
          resident -= name.equals("table") ? 24 : 12;
        }
        assertTrue(resident <= bytes, bytes + ": " + away);
        assertEquals(bytes >= 60, away.isEmpty());
      }
    }
  }

  @Test
  void cachesAreOverwrittenInPlace() {
    Block block =
        Graph.block(
            "overwrite",
            g -> {
              Tensor cache = g.input("cache", Shape.of(2, 3));
              Tensor at = g.input("at", Shape.of(1), DataType.INT64);
              return List.of(cache.overwrite(1, at, g.input("column", Shape.of(2, 1))));
            });
    for (TorchOptions options : List.of(GPU, GPU.withPrecision(Precision.FP32))) {
      try (TorchSession session = new TorchEngine(options).open(weights);
          Scope scope = session.scope()) {
        Value first =
            scope.run1(
                block,
                scope.floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3),
                scope.longs(new long[] {1}, 1),
                scope.floats(new float[] {7, 8}, 2, 1));
        assertArrayEquals(new float[] {1, 7, 3, 4, 8, 6}, first.floats());
        Value second =
            scope.run1(
                block,
                first,
                scope.longs(new long[] {2}, 1),
                scope.floats(new float[] {9, 10}, 2, 1));
        assertArrayEquals(new float[] {1, 7, 9, 4, 8, 10}, second.floats());
        assertArrayEquals(second.floats(), first.floats(), "the same memory");
      }
    }
  }

  @Test
  void replicasLearnFromTheWholeBatch() {
    TorchEngine engine = new TorchEngine();
    try (TorchSession whole = engine.open(weights);
        TorchSession first = engine.open(weights);
        TorchSession second = engine.open(weights);
        Replicas replicas = new Replicas(List.of(first, second))) {
      List.of(whole, first, second).forEach(each -> each.trainable(name -> true));
      backward(whole, 0, 1, 2, 3);
      replicas.each((session, part) -> backward(session, 2L * part, 2L * part + 1));
      replicas.averageGradients();
      try (TorchScope a = whole.trainingScope();
          TorchScope b = first.trainingScope()) {
        for (String name : whole.trainableParams()) {
          float[] expected = a.gradient(name).floats();
          for (int i = 0; i < expected.length; i++) {
            expected[i] /= 2;
          }
          assertArrayEquals(expected, b.gradient(name).floats(), 1e-6f, name);
        }
      }
      first.set("out", new float[] {1, 1, 1, 1, 1, 1});
      replicas.copyFromFirst();
      assertArrayEquals(first.param("out").floats(), second.param("out").floats());
    }
  }

  private static void backward(TorchSession session, long... ids) {
    try (TorchScope scope = session.trainingScope()) {
      scope.backward(scope.run1(NETWORK, scope.longs(ids, ids.length)));
    }
  }

  @Test
  void theFailureOfAReplicaIsThrown() {
    try (TorchSession session = new TorchEngine().open(weights);
        Replicas replicas = new Replicas(List.of(session, session))) {
      IllegalStateException failure = new IllegalStateException("broken");
      assertSame(
          failure,
          assertThrows(
              IllegalStateException.class,
              () ->
                  replicas.each(
                      (each, part) -> {
                        if (part == 1) {
                          throw failure;
                        }
                      })));
    }
  }

  @Test
  void lackOfMemorySaysWhatNeededHowMuchAndWhatToTurnDown() {
    EngineException failure =
        new EngineException(
            "The following operation failed in the TorchScript interpreter.\n"
                + "RuntimeError: CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total"
                + " capacity of 23.65 GiB of which 512.44 MiB is free. Process 1 has 23.1 GiB"
                + " memory in use.");
    RuntimeException said = DeviceErrors.of("the block layers.7", "cuda:0", failure);
    assertInstanceOf(DeviceMemoryException.class, said);
    assertTrue(
        said.getMessage()
            .startsWith(
                "cuda:0 is out of memory: the block layers.7 needed 1.50 GiB, and 512.44 MiB of its"
                    + " 23.65 GiB are free; turn down the batch size"),
        said.getMessage());
    assertEquals(1, said.getMessage().lines().count());
  }

  @Test
  void whatOnlyAGpuCanRunCompiles() {
    TorchOptions gpu = TorchOptions.accelerated("cuda:0");
    WeightLoader loader = new WeightLoader(gpu, weights);
    for (boolean flag : new boolean[] {false, true}) {
      for (WeightLoader.Target target : WeightLoader.Target.values()) {
        String source = loader.source(flag, flag, flag, target);
        assertTrue(source.contains("pin_memory"), source);
        assertNotNull(TorchEngine.script(source));
      }
    }
    assertNotNull(TorchEngine.script(Scripts.visit(gpu.device())));
    assertNotNull(TorchEngine.script(Scripts.add(gpu.device())));
  }

  @Test
  void optionsThatDoNotGoTogetherAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> TorchOptions.accelerated("gpu"));
    assertThrows(
        IllegalArgumentException.class,
        () -> new TorchOptions(Precision.FP32, "cpu", true, false, false, false, 0));
  }
}
