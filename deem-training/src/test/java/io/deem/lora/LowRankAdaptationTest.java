package io.deem.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialWeights;
import io.deem.training.ParameterGroup;
import io.deem.weights.ElementType;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorMismatchException;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a network of a table, two linear layers and, in between, a bend. */
class LowRankAdaptationTest {

  private static final Param TABLE = Param.of("net.words.weight", 9, 6);
  private static final Linear UP = Linear.of("net.up", 6, 8);
  private static final Linear DOWN = Linear.of("net.down", 8, 5);
  private static final Block NETWORK = Graph.block("network", LowRankAdaptationTest::network);
  private static final InitialWeights WEIGHTS =
      new InitialWeights(NETWORK.params(), 3).set("net.up.bias", () -> new float[8]);
  private static final long[] IDS = {1, 4, 8, 2};

  @TempDir Path folder;

  private static List<Tensor> network(Graph g) {
    Tensor ids = g.input("ids", Shape.of(Dim.symbol("rows")), DataType.INT64);
    return List.of(DOWN.apply(UP.apply(g.param(TABLE).embedding(ids)).silu()));
  }

  private static LowRankAdaptation everywhere(double dropout) {
    return new LowRankAdaptation(3, 6, dropout, name -> name.startsWith("net."));
  }

  private static float[] run(TorchSession session) {
    try (Scope scope = session.scope()) {
      return scope.run1(NETWORK, scope.longs(IDS, IDS.length)).floats();
    }
  }

  private static float[] run(TensorSource weights) {
    try (TorchSession session = new TorchEngine().open(weights)) {
      return run(session);
    }
  }

  /** A session whose adapters have learnt for two steps. */
  private static TorchSession trained(LowRankAdaptation lora, boolean biases) {
    TorchSession session = new TorchEngine().open(AdaptedWeights.fresh(WEIGHTS, lora, 11), lora);
    session.trainable(lora.learnt(biases));
    List<ParameterGroup> groups = List.of(new ParameterGroup("", 0.05, 0));
    try (AdamW optimizer = new AdamW(session, AdamW.Config.DEFAULT, groups, Set.of())) {
      for (int i = 0; i < 2; i++) {
        TorchEngine.seed(i);
        try (TrainingScope scope = session.trainingScope()) {
          Value y = scope.run1(NETWORK, scope.longs(IDS, IDS.length));
          scope.backward(
              y,
              scope.floats(
                  new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1, -2, -3, -4, -5, 1, 0, 1, 0, 1},
                  4,
                  5),
              false);
        }
        optimizer.step(1);
      }
    }
    return session;
  }

  private static TensorSource of(TorchSession session) {
    OverlaidTensors tensors = new OverlaidTensors(WEIGHTS, "session");
    session
        .params()
        .forEach(
            name ->
                tensors.with(
                    name, session.param(name).shape(), () -> session.param(name).floats()));
    return tensors;
  }

  @Test
  void freshAdaptersChangeNothing() {
    LowRankAdaptation lora = everywhere(0.5);
    try (TorchSession session =
        new TorchEngine().open(AdaptedWeights.fresh(WEIGHTS, lora, 11), lora)) {
      assertArrayEquals(run(WEIGHTS), run(session), 1e-6f);
      float[] a = session.param("net.up.lora_A").floats();
      float largest = 0;
      for (float value : a) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertTrue(largest <= 1 / Math.sqrt(6) && largest > 0.5 / Math.sqrt(6), "bound " + largest);
      assertArrayEquals(new float[24], session.param("net.up.lora_B").floats());
    }
  }

  @Test
  void onlyLinearLayersThatAreTargetsAreAdapted() {
    Block all = everywhere(0).apply(NETWORK, true);
    assertEquals(
        List.of(
            "net.words.weight",
            "net.up.weight",
            "net.up.bias",
            "net.up.lora_A",
            "net.up.lora_B",
            "net.down.weight",
            "net.down.bias",
            "net.down.lora_A",
            "net.down.lora_B"),
        all.params().stream().map(Param::name).toList());
    LowRankAdaptation none = new LowRankAdaptation(3, 6, 0, name -> name.equals("net.words"));
    assertSame(NETWORK, none.apply(NETWORK, true));
  }

  @Test
  void dropoutIsForTrainingAlone() {
    LowRankAdaptation lora = everywhere(0.25);
    assertTrue(
        lora.apply(NETWORK, true).nodes().stream().anyMatch(t -> t.op() == Op.DROPOUT_AT_RATE));
    assertFalse(
        lora.apply(NETWORK, false).nodes().stream().anyMatch(t -> t.op() == Op.DROPOUT_AT_RATE));
    try (TorchSession session = trained(lora, false)) {
      assertArrayEquals(run(session), run(session), "the same again");
      float[] first = inTraining(session, 5);
      assertArrayEquals(first, inTraining(session, 5), "drawn from the seed");
      assertFalse(java.util.Arrays.equals(first, inTraining(session, 6)));
    }
  }

  private static float[] inTraining(TorchSession session, long seed) {
    TorchEngine.seed(seed);
    try (TrainingScope scope = session.trainingScope()) {
      return scope.run1(NETWORK, scope.longs(IDS, IDS.length)).floats();
    }
  }

  @Test
  void onlyTheFactorsLearn() {
    try (TorchSession session = trained(everywhere(0), false)) {
      for (Param param : NETWORK.params()) {
        assertArrayEquals(
            WEIGHTS.floats(param.name()), session.param(param.name()).floats(), param.name());
      }
      try (TrainingScope scope = session.trainingScope()) {
        Value y = scope.run1(NETWORK, scope.longs(IDS, IDS.length));
        scope.backward(y, scope.floats(new float[20], 4, 5), false);
        assertNull(scope.gradient("net.up.weight"));
        assertNotNull(scope.gradient("net.up.lora_A"));
      }
    }
  }

  @Test
  void mergedWeightsComputeWhatAdaptersDo() {
    LowRankAdaptation lora = everywhere(0);
    try (TorchSession session = trained(lora, false)) {
      float[] adapted = run(session);
      assertFalse(java.util.Arrays.equals(adapted, run(WEIGHTS)), "nothing was learnt");
      assertArrayEquals(adapted, run(AdaptedWeights.merged(WEIGHTS, of(session), lora)), 1e-4f);
    }
  }

  @Test
  void adaptersAreSavedAloneAndLoadedOntoTheBase() throws IOException {
    Path file = folder.resolve("adapters.safetensors");
    LowRankAdaptation lora = everywhere(0);
    float[] adapted;
    try (TorchSession session = trained(lora, true)) {
      adapted = run(session);
      AdapterFile.write(file, lora, of(session), true);
    }
    try (AdapterFile adapters = AdapterFile.open(file)) {
      assertEquals(3, adapters.adaptation().rank());
      assertEquals(6, adapters.adaptation().alpha());
      assertTrue(adapters.adaptation().targets().test("net.down"));
      assertFalse(adapters.adaptation().targets().test("net.words"));
      try (TorchSession session =
          new TorchEngine().open(adapters.over(WEIGHTS), adapters.adaptation())) {
        assertArrayEquals(adapted, run(session));
      }
      assertArrayEquals(adapted, run(adapters.mergedInto(WEIGHTS)), 1e-4f);
    }
  }

  @Test
  void adaptersOfAnotherNetworkAreRefused() throws IOException {
    Path file = folder.resolve("adapters.safetensors");
    LowRankAdaptation lora = everywhere(0);
    try (TorchSession session = trained(lora, false)) {
      AdapterFile.write(file, lora, of(session), false);
    }
    Param narrow = Param.of("net.up.weight", 8, 4);
    InitialWeights other = new InitialWeights(List.of(narrow, DOWN.weight()), 1);
    try (AdapterFile adapters = AdapterFile.open(file)) {
      assertThrows(TensorMismatchException.class, () -> adapters.over(other));
      assertThrows(TensorMismatchException.class, () -> adapters.mergedInto(other));
    }
  }

  @Test
  void whatIsNoFileOfAdaptersIsRefusedInOneLine() throws IOException {
    Path plain = folder.resolve("plain.safetensors");
    new SafetensorsWriter()
        .floats("net.up.lora_A", ElementType.F32, new long[] {3, 6}, () -> new float[18])
        .write(plain);
    assertTrue(open(plain).contains("is not a file of adapters"));
    Path half = folder.resolve("half.safetensors");
    new SafetensorsWriter()
        .floats("net.up.lora_A", ElementType.F32, new long[] {3, 6}, () -> new float[18])
        .metadata("format", "deem-lora/1")
        .metadata("rank", "3")
        .metadata("alpha", "6")
        .metadata("dropout", "0")
        .metadata("targets", "net.up")
        .write(half);
    assertTrue(open(half).contains("has no factor net.up.lora_B of rank 3"));
  }

  private static String open(Path file) {
    String message = assertThrows(IOException.class, () -> AdapterFile.open(file)).getMessage();
    assertEquals(1, message.lines().count());
    return message;
  }

  @Test
  void impossibleSettingsAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> new LowRankAdaptation(0, 1, 0, name -> true));
    assertThrows(
        IllegalArgumentException.class, () -> new LowRankAdaptation(1, 0, 0, name -> true));
    assertThrows(
        IllegalArgumentException.class, () -> new LowRankAdaptation(1, 1, 1, name -> true));
  }
}
