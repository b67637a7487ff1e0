package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Param;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The CLIP encoders: their parameters, their limits, and how far gradients reach. */
class ClipEncodersTest {

  private static final ClipVitEncoder.Config VIT =
      new ClipVitEncoder.Config(32, 8, 48, 112, 3, 4, ClipActivation.QUICK_GELU, 1e-5);
  private static final ClipTextEncoder.Config TEXT =
      new ClipTextEncoder.Config(99, 12, 32, 64, 2, 4, ClipActivation.GELU, 1e-5);
  private static final VitAdapter.Config ADAPTER =
      new VitAdapter.Config(
          new ClipVitEncoder.Config(64, 16, 24, 40, 12, 12, ClipActivation.QUICK_GELU, 1e-5),
          8,
          4,
          20);

  @Test
  void theParametersAreThoseOfTheCheckpoints() throws Exception {
    assertParameters("clip_vit", new ClipVitEncoder(VIT, "").params(), Set.of());
    assertParameters("clip_text", new ClipTextEncoder(TEXT, "").params(), Set.of());
    // A counter that PyTorch saves; no parameter.
    Set<String> counter = Set.of("vision_model.embeddings.position_ids");
    assertParameters("deem_vit_adapter", new VitAdapter(ADAPTER, "").params(), counter);
  }

  @Test
  void aPrefixComesBeforeEveryName() {
    List<Param> params = new VitAdapter(ADAPTER, "visual_tokenizer.sniffer.").params();
    assertTrue(
        params.stream()
            .allMatch(p -> p.name().startsWith("visual_tokenizer.sniffer.vision_model.")));
  }

  @Test
  void everyParameterOfTheAdapterGetsAGradient() throws Exception {
    VitAdapter adapter = new VitAdapter(ADAPTER, "");
    try (SafetensorsFile io = fixture("deem_vit_adapter", "io");
        SafetensorsFile weights = fixture("deem_vit_adapter", "model");
        TorchSession session = new TorchEngine().open(weights)) {
      session.trainable(name -> true);
      try (TorchScope scope = session.trainingScope()) {
        Value pixels = scope.floats(io.floats("pixel_values"), io.info("pixel_values").shape());
        VitAdapter.Features features = adapter.forward(scope, pixels);
        for (Value map : features.maps()) {
          scope.backward(map, ones(scope, map), true);
        }
        scope.backward(features.lastHiddenState(), ones(scope, features.lastHiddenState()), false);
        for (Param param : adapter.params()) {
          Value gradient = scope.gradient(param.name());
          assertNotNull(gradient, param.name());
          for (float slope : gradient.floats()) {
            assertTrue(Float.isFinite(slope), param.name());
          }
        }
      }
    }
  }

  @Test
  void positionsOfTheSameGridStayWhatTheyAre() {
    float[] table = new float[(1 + 9) * 2];
    for (int i = 0; i < table.length; i++) {
      table[i] = i * i;
    }
    assertArrayEquals(table, ClipVitEncoder.resizePositions(table, 2, 3), 1e-4f);
  }

  @Test
  void cornersStayWhenPositionsAreResized() {
    float[] table = {7, 1, 2, 3, 4};
    float[] resized = ClipVitEncoder.resizePositions(table, 1, 5);
    assertEquals(1 + 25, resized.length);
    assertArrayEquals(
        new float[] {7, 1, 2, 3, 4},
        new float[] {resized[0], resized[1], resized[5], resized[21], resized[25]},
        1e-6f);
  }

  @Test
  void positionsThatAreNoSquareAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> ClipVitEncoder.resizePositions(new float[6], 1, 4));
  }

  @Test
  void aTextThatIsTooLongIsRefused() throws Exception {
    try (SafetensorsFile weights = fixture("clip_text", "model");
        TorchSession session = new TorchEngine().open(weights);
        TorchScope scope = session.trainingScope()) {
      Value ids = scope.longs(new long[13], 1, 13);
      ClipTextEncoder encoder = new ClipTextEncoder(TEXT, "");
      String message =
          assertThrows(IllegalArgumentException.class, () -> encoder.forward(scope, ids))
              .getMessage();
      assertTrue(message.contains("13") && message.contains("12"), message);
    }
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    ClipVitEncoder.Config odd =
        new ClipVitEncoder.Config(48, 16, 24, 40, 12, 12, ClipActivation.GELU, 1e-5);
    assertThrows(IllegalArgumentException.class, () -> new VitAdapter.Config(odd, 8, 4, 0));
    ClipVitEncoder.Config ten =
        new ClipVitEncoder.Config(64, 16, 24, 40, 10, 12, ClipActivation.GELU, 1e-5);
    assertThrows(IllegalArgumentException.class, () -> new VitAdapter.Config(ten, 8, 4, 0));
    assertThrows(IllegalArgumentException.class, () -> ClipActivation.named("relu"));
  }

  private static void assertParameters(String name, List<Param> params, Set<String> others)
      throws Exception {
    try (SafetensorsFile weights = fixture(name, "model")) {
      params.forEach(param -> weights.require(param.name(), param.shape().extents()));
      Set<String> expected = new TreeSet<>(weights.names());
      expected.removeAll(others);
      assertEquals(
          expected,
          params.stream().map(Param::name).collect(Collectors.toCollection(TreeSet::new)));
      assertEquals(expected.size(), params.size());
    }
  }

  private static Value ones(TorchScope scope, Value like) {
    float[] ones = new float[like.floats().length];
    Arrays.fill(ones, 1);
    return scope.floats(ones, like.shape());
  }

  private static SafetensorsFile fixture(String name, String file) throws Exception {
    return SafetensorsFile.open(
        Path.of("src/test/resources/fixtures", name, file + ".safetensors"));
  }
}
