package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Tokens that describe regions, as a part that a tokenizer has or has not. */
class MaskPoolingTest {

  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/mask_align");
  private static final int PIXELS = 64 * 64;

  private static VisualTokenizer tokenizer(Optional<MaskPooling.Config> pooling) {
    String prefix = "visual_tokenizer.";
    return new VisualTokenizer(
        new VisualTokenizer.Config(4, 32, 16, pooling),
        new ConvNextEncoder(
            new ConvNextEncoder.Config(
                List.of(1, 1, 2, 1), List.of(8, 16, 16, 24), 7, true, 16, 12, 1e-6),
            prefix + "sniffer."),
        new PerceiverResampler(
            new PerceiverResampler.Config(5, 32, 16, 48, 2, 4, 2, true, 1e-12),
            prefix + "perceiver_resampler."),
        prefix);
  }

  private static VisualTokenizer describing() {
    return tokenizer(Optional.of(new MaskPooling.Config(12, 20)));
  }

  @Test
  void noRegionIsTheRegionOfTheWholeImage() throws Exception {
    try (SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"));
        SafetensorsFile io = SafetensorsFile.open(FIXTURE.resolve("io.safetensors"));
        TorchSession session = new TorchEngine().open(weights);
        Scope scope = session.scope()) {
      VisualTokenizer tokenizer = describing();
      Value image = scope.floats(io.floats("image"), 4, 3, 64, 64);
      float[] ones = new float[4 * PIXELS];
      Arrays.fill(ones, 1);
      VisualTokenizer.Tokens whole = tokenizer.forward(scope, image, null);
      VisualTokenizer.Tokens all =
          tokenizer.forward(scope, image, scope.floats(ones, 4, 1, 64, 64));
      assertArrayEquals(all.tokens().floats(), whole.tokens().floats());
      assertArrayEquals(new long[] {4, 5 + 17, 16}, whole.encoded().shape());
      // An average over a whole map is the map's mean.
      float[] map = whole.maps().get(3).floats();
      float mean = (map[0] + map[1] + map[2] + map[3]) / 4;
      assertEquals(mean, whole.region().pooled().get(3).floats()[0], 1e-5f);
    }
  }

  @Test
  void aTokenizerWithoutItHasNeitherTokensNorWeights() throws Exception {
    try (SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"));
        SafetensorsFile io = SafetensorsFile.open(FIXTURE.resolve("io.safetensors"));
        TorchSession session = new TorchEngine().open(weights);
        Scope scope = session.scope()) {
      Value image = scope.floats(io.floats("image"), 4, 3, 64, 64);
      VisualTokenizer.Tokens seen = tokenizer(Optional.empty()).forward(scope, image, null);
      assertNull(seen.region());
      assertArrayEquals(new long[] {4, 17, 16}, seen.encoded().shape());
      var added = describing().params().stream().map(Param::name).collect(Collectors.toSet());
      tokenizer(Optional.empty()).params().forEach(param -> added.remove(param.name()));
      assertEquals(
          weights.names().stream()
              .filter(name -> name.contains("feature_extractor"))
              .collect(Collectors.toSet()),
          added);
      describing()
          .params()
          .forEach(param -> weights.require(param.name(), param.shape().extents()));
    }
  }

  @Test
  void aRegionThatVanishesCostsNothing() throws Exception {
    try (SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"));
        TorchSession session = new TorchEngine().open(weights);
        Scope scope = session.scope()) {
      float[] errors = new float[2 * 3 * 4];
      Arrays.fill(errors, 0, 12, 5);
      Arrays.fill(errors, 12, 24, 7);
      // Three channels of 2x2 pixels, regions on 4x4: the whole of the first image, none of the
      // second.
      float[] regions = new float[2 * 16];
      Arrays.fill(regions, 0, 16, 1);
      float loss =
          new RegionLoss()
              .mean(scope, scope.floats(errors, 2, 3, 2, 2), scope.floats(regions, 2, 1, 4, 4))
              .scalar();
      assertEquals(2.5f, loss, 1e-6f);
      // A quarter of the second image counts as much as the whole of the first.
      regions[16] = 1;
      loss =
          new RegionLoss()
              .mean(scope, scope.floats(errors, 2, 3, 2, 2), scope.floats(regions, 2, 1, 4, 4))
              .scalar();
      assertEquals(6f, loss, 1e-6f);
    }
  }

  @Test
  void sizesOutOfRangeAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new MaskPooling.Config(0, 16));
    assertThrows(IllegalArgumentException.class, () -> new MaskPooling.Config(1 << 16, 16));
    assertThrows(IllegalArgumentException.class, () -> new MaskPooling.Config(112, 0));
  }
}
