package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.ShapeException;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ConvNextEncoderTest {

  private static final ConvNextEncoder.Config TINY =
      new ConvNextEncoder.Config(
          List.of(1, 2, 2, 1), List.of(16, 32, 48, 64), 7, true, 32, 24, 1e-6);

  @Test
  void parametersAreThoseOfTheCheckpoint() throws Exception {
    List<Param> params = new ConvNextEncoder(TINY, "").params();
    Path weights = Path.of(getClass().getResource("/fixtures/convnext/model.safetensors").toURI());
    try (SafetensorsFile file = SafetensorsFile.open(weights)) {
      assertEquals(
          new TreeSet<>(file.names()),
          params.stream().map(Param::name).collect(Collectors.toCollection(TreeSet::new)));
      assertEquals(file.names().size(), params.size());
      for (Param param : params) {
        assertArrayEquals(file.info(param.name()).shape(), param.shape().extents(), param.name());
      }
    }
  }

  @Test
  void thePrefixLeadsEveryName() {
    for (Param param : new ConvNextEncoder(TINY, "visual_tokenizer.sniffer.").params()) {
      assertTrue(param.name().startsWith("visual_tokenizer.sniffer.vision_model."), param.name());
    }
  }

  @Test
  void sidesThatTheStridesDoNotDivideAreRoundedDown() {
    ConvNextEncoder encoder = new ConvNextEncoder(TINY, "");
    try (Session session = new TorchEngine().open(new RandomWeights(encoder.params(), 1));
        Scope scope = session.scope()) {
      ConvNextEncoder.Features features =
          encoder.forward(scope, scope.floats(pixels(3 * 75 * 46), 1, 3, 75, 46));
      long[][] sizes = {{18, 11}, {9, 5}, {4, 2}, {2, 1}};
      for (int i = 0; i < 4; i++) {
        assertArrayEquals(
            new long[] {1, 32, sizes[i][0], sizes[i][1]}, features.maps().get(i).shape());
      }
      assertArrayEquals(new long[] {1, 1 + 4 * 2, 32}, features.lastHiddenState().shape());
    }
  }

  @Test
  void imagesOfABatchDoNotSeeEachOther() {
    ConvNextEncoder encoder = new ConvNextEncoder(TINY, "");
    try (Session session = new TorchEngine().open(new RandomWeights(encoder.params(), 1));
        Scope scope = session.scope()) {
      float[] two = pixels(2 * 3 * 32 * 32);
      float[] second = Arrays.copyOfRange(two, 3 * 32 * 32, two.length);
      float[] together =
          encoder.forward(scope, scope.floats(two, 2, 3, 32, 32)).lastHiddenState().floats();
      float[] alone =
          encoder.forward(scope, scope.floats(second, 1, 3, 32, 32)).lastHiddenState().floats();
      assertArrayEquals(alone, Arrays.copyOfRange(together, alone.length, together.length), 1e-4f);
    }
  }

  @Test
  void withoutLayerScaleAndClipHeadTheirParametersAreAbsent() {
    ConvNextEncoder.Config plain =
        new ConvNextEncoder.Config(
            List.of(1, 1, 1, 1), List.of(8, 8, 16, 16), 3, false, 8, 0, 1e-6);
    ConvNextEncoder encoder = new ConvNextEncoder(plain, "");
    assertTrue(
        encoder.params().stream()
            .noneMatch(p -> p.name().contains("gamma") || p.name().contains("visual.head")));
    try (Session session = new TorchEngine().open(new RandomWeights(encoder.params(), 1));
        Scope scope = session.scope()) {
      ConvNextEncoder.Features features =
          encoder.forward(scope, scope.floats(pixels(3 * 32 * 32), 1, 3, 32, 32));
      assertThrows(IllegalStateException.class, () -> encoder.clipEmbed(scope, features));
    }
  }

  @Test
  void imagesThatAreTooSmallOrNotInColourAreRefused() {
    ConvNextEncoder encoder = new ConvNextEncoder(TINY, "");
    try (Session session = new TorchEngine().open(new RandomWeights(encoder.params(), 1));
        Scope scope = session.scope()) {
      Value narrow = scope.floats(pixels(3 * 64 * 16), 1, 3, 64, 16);
      ShapeException e = assertThrows(ShapeException.class, () -> encoder.forward(scope, narrow));
      assertTrue(e.getMessage().contains("64, 16"), e.getMessage());
      Value grey = scope.floats(pixels(32 * 32), 1, 1, 32, 32);
      assertThrows(ShapeException.class, () -> encoder.forward(scope, grey));
    }
  }

  @Test
  void sizesThatMakeNoNetworkAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new ConvNextEncoder.Config(List.of(1), List.of(8), 7, true, 8, 0, 1e-6));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new ConvNextEncoder.Config(
                List.of(1, 1, 1, 1), List.of(8, 8, 8, 8), 4, true, 8, 0, 1e-6));
  }

  private static float[] pixels(int count) {
    Random random = new Random(7);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
