package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.DiffusionSampler;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.Progress;
import io.deem.Prompt;
import io.deem.Region;
import io.deem.cases.TinyDeem;
import io.deem.diffusion.Sampler;
import io.deem.diffusion.SamplerConfig;
import io.deem.diffusion.SamplingMethod;
import io.deem.diffusion.TimestepSpacing;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.image.PixelPlanes;
import io.deem.model.DeemNetwork;
import io.deem.model.GuidedDiffusion;
import io.deem.model.ImageGeneration;
import io.deem.model.InterleavedBatch;
import io.deem.model.ModelFolder;
import io.deem.random.RandomSource;
import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pictures from words, on a small model. */
class ImagineTest {

  private static final Image PICTURE = TinyDeem.picture(64, 64, 1);
  private static final ImagineOptions FEW = ImagineOptions.defaults().withSteps(4);

  @TempDir static Path folder;

  private static Deem deem;
  private static Perceiver eyes;

  @BeforeAll
  static void open() throws IOException {
    TinyDeem.write(folder, TinyDeem.config(5));
    deem = Deem.open(folder);
    eyes = deem.perceiver();
  }

  @AfterAll
  static void close() {
    deem.close();
  }

  @ParameterizedTest
  @EnumSource(DiffusionSampler.class)
  void everySamplerDrawsFromASeed(DiffusionSampler sampler) {
    ImagineOptions options = FEW.withSampler(sampler);
    Image drawn = eyes.imagine("a red dog", options);
    assertEquals(64, drawn.width());
    assertEquals(64, drawn.height());
    assertEquals(drawn, eyes.imagine("a red dog", options), "one seed gives the same bits");
    assertNotEquals(drawn, eyes.imagine("a red dog", options.withSeed(1)));
    assertNotEquals(drawn, eyes.imagine("a blue cat", options));
    assertTrue(
        LongStream.range(0, 64L * 64)
                .map(i -> drawn.rgb((int) i % 64, (int) i / 64))
                .distinct()
                .count()
            > 10,
        "not all one colour");
  }

  @Test
  void optionsMatter() {
    Image drawn = eyes.imagine("a red dog", FEW);
    assertNotEquals(drawn, eyes.imagine("a red dog", FEW.withSteps(5)));
    assertNotEquals(drawn, eyes.imagine("a red dog", FEW.withGuidanceScale(1)));
    Image large = eyes.imagine("a red dog", FEW.withSize(128));
    assertEquals(128, large.width());
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> eyes.imagine("a red dog", FEW.withSize(100)))
            .getMessage();
    assertTrue(message.contains("multiple of 64"), message);
  }

  @Test
  void picturesBeforeTheTextMatter() {
    Image drawn = eyes.imagine(Prompt.of(PICTURE).text("red"), FEW);
    assertNotEquals(drawn, eyes.imagine(Prompt.of(TinyDeem.picture(64, 64, 2)).text("red"), FEW));
    assertNotEquals(
        drawn, eyes.imagine(Prompt.of(PICTURE.region(Region.box(0, 0, 20, 64))).text("red"), FEW));
    assertNotEquals(drawn, eyes.imagine(Prompt.of("red").image(PICTURE), FEW));
  }

  /** Against the image generation that reproduces the reference, with another image to be drawn. */
  @Test
  void drawsWhatImageGenerationDraws() throws IOException {
    Image drawn = eyes.imagine(Prompt.of(PICTURE).text("a red dog"), FEW.withSeed(9));
    try (ModelFolder model = ModelFolder.open(folder);
        Session session = new TorchEngine().open(model.weights());
        Scope scope = session.scope()) {
      DeemNetwork network = model.network();
      int[] image = {96, 97, 97, 97, 97, 97};
      List<int[]> parts =
          List.of(
              new int[] {1},
              image,
              Arrays.stream(model.tokenizer().encodeWithoutBegin("a red dog"))
                  .mapToInt(Math::toIntExact)
                  .toArray(),
              image);
      int[] row = parts.stream().flatMapToInt(Arrays::stream).toArray();
      float[] two = Arrays.copyOf(PixelPlanes.of(PICTURE), 2 * 3 * 64 * 64);
      Value pixels = scope.floats(two, 2, 3, 64, 64);
      ImageGeneration generation = new ImageGeneration(network);
      var conditions =
          generation.conditions(
              scope,
              new InterleavedBatch(
                  network.config().special(), List.of(row), InterleavedBatch.Padding.LEFT),
              network.eyes().forward(scope, pixels, null));
      Sampler sampler =
          SamplerConfig.builder(SamplingMethod.DDIM)
              .predictionType(network.diffusion().prediction())
              .steps(4)
              .timestepSpacing(TimestepSpacing.TRAILING)
              .build()
              .sampler();
      RandomSource random = RandomSource.seeded(9);
      float[] noise = new float[4 * 8 * 8];
      random.gaussian(noise);
      float[] expected =
          generation.draw(
              scope,
              conditions,
              new int[] {1},
              noise,
              new ImageGeneration.Options(3.5, sampler, random, GuidedDiffusion.StepListener.NONE));
      byte[] wanted = PixelPlanes.toImage(expected, 64, 64).toRgb();
      byte[] found = drawn.toRgb();
      for (int i = 0; i < wanted.length; i++) {
        assertEquals(wanted[i] & 0xff, found[i] & 0xff, 1, "value " + i);
      }
    }
  }

  @Test
  void progressIsToldAndDrawingCancelled() {
    List<Progress> told = new ArrayList<>();
    eyes.withProgress(told::add).imagine("a red dog", FEW);
    assertEquals(List.of(1L, 2L, 3L, 4L), told.stream().map(Progress::step).toList());
    assertEquals("imagine", told.get(0).stage());
    assertEquals(4, told.get(0).totalSteps());
    told.clear();
    Cancellation cancellation = new Cancellation();
    Perceiver cancellable =
        eyes.withCancellation(cancellation)
            .withProgress(
                progress -> {
                  told.add(progress);
                  cancellation.cancel();
                });
    assertThrows(CancellationException.class, () -> cancellable.imagine("a red dog"));
    assertEquals(1, told.size());
    assertEquals(eyes.imagine("a cat", FEW), eyes.imagine("a cat", FEW), "still usable");
  }

  @Test
  void refusesWordsThatAreNone() {
    assertThrows(IllegalArgumentException.class, () -> eyes.imagine(" "));
    assertThrows(IllegalArgumentException.class, () -> eyes.imagine("a <|sniffer|>"));
    assertThrows(IllegalArgumentException.class, () -> eyes.imagine("dog ".repeat(2000)));
    assertThrows(NullPointerException.class, () -> eyes.imagine((Prompt) null));
  }
}
