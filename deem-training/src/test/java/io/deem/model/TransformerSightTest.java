package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Param;
import io.deem.graph.Value;
import io.deem.image.Normalization;
import io.deem.random.RandomSource;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialDeem;
import io.deem.training.InitialWeights;
import io.deem.training.ParameterGroup;
import io.deem.verify.CompleteModel;
import io.deem.verify.Fixture;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The whole model with a CLIP vision transformer for eyes. */
class TransformerSightTest {

  private static final Path MODEL = Path.of("src/test/resources/fixtures/deem_full");
  private static final Path TRANSFORMER = Path.of("src/test/resources/fixtures/deem_vit_adapter");

  /** Patches of 14 pixels, as in ViT-L/14: the finest map has a pixel for three and a half. */
  private static final int SIDE = 56;

  private static DeemConfig seeing(DeemConfig model) {
    ClipVitEncoder.Config vit =
        new ClipVitEncoder.Config(SIDE, 14, 24, 40, 4, 3, ClipActivation.QUICK_GELU, 1e-5);
    return new DeemConfig(
        SIDE,
        model.drawnSize(),
        model.special(),
        model.originalVocabulary(),
        new VitAdapter.Config(vit, 8, 2, 16),
        model.visualResampler(),
        model.visualTokenizer(),
        model.languageModel(),
        model.contextResampler(),
        model.autoencoder(),
        model.denoiser(),
        model.denoiserResiduals(),
        model.prediction());
  }

  private static Value uniform(TorchScope scope, long seed, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    RandomSource.seeded(seed).uniform(values);
    return scope.floats(values, shape);
  }

  /** Ones in the left half of each image. */
  private static Value leftHalves(TorchScope scope, int images) {
    float[] mask = new float[images * SIDE * SIDE];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % SIDE < SIDE / 2 ? 1 : 0;
    }
    return scope.floats(mask, images, 1, SIDE, SIDE);
  }

  @Test
  void everyWeightOfTheTransformerLearns() throws IOException {
    try (Fixture fixture = Fixture.open(MODEL)) {
      DeemConfig config = seeing(CompleteModel.of(fixture.config(), fixture.weights()));
      DeemNetwork network = new DeemNetwork(config);
      InterleavedBatch batch =
          CompleteModel.batch(config.special(), fixture.io(), "text_ids", "attention_mask");
      try (TorchSession session = new TorchEngine().open(new InitialDeem(network, 3).weights());
          AdamW optimizer =
              new AdamW(
                  session,
                  AdamW.Config.DEFAULT,
                  List.of(new ParameterGroup("", 3e-3, 0)),
                  AdamW.decaying(Freezing::inLayerNorm))) {
        session.trainable(Freezing.NOTHING);
        double first = 0;
        double last = 0;
        for (int step = 0; step < 6; step++) {
          try (TorchScope scope = session.trainingScope()) {
            DeemNetwork.Example example =
                new DeemNetwork.Example(
                    batch,
                    uniform(scope, 1, 4, 3, SIDE, SIDE),
                    uniform(scope, 2, 4, 3, config.drawnSize(), config.drawnSize()),
                    null,
                    batch.textTargets(null, false),
                    null);
            Value loss =
                network
                    .losses(scope, example, DeemNetwork.LossWeights.PAPER, RandomSource.seeded(4))
                    .total();
            scope.backward(loss);
            last = loss.scalar();
            first = step == 0 ? last : first;
            for (Param param : network.params()) {
              if (param.name().startsWith("visual_tokenizer.sniffer.")) {
                assertNotNull(scope.gradient(param.name()), param.name());
              }
            }
            optimizer.step(1);
          }
        }
        assertTrue(last < 0.9 * first, first + ", then " + last);
      }
    }
  }

  /** Masks are as large as images, which need not be four times the finest map. */
  @Test
  void regionsAreCutOutOfEveryMap() throws IOException {
    try (Fixture fixture = Fixture.open(MODEL)) {
      DeemConfig config = seeing(CompleteModel.of(fixture.config(), fixture.weights()));
      DeemNetwork network = new DeemNetwork(config);
      try (TorchSession session = new TorchEngine().open(new InitialDeem(network, 3).weights());
          TorchScope scope = session.scope()) {
        Value images = uniform(scope, 1, 2, 3, SIDE, SIDE);
        VisualTokenizer.Tokens seen = network.eyes().forward(scope, images, leftHalves(scope, 2));
        int[] sides = {16, 8, 4, 2};
        for (int i = 0; i < sides.length; i++) {
          float[] whole = seen.maps().get(i).floats();
          float[] masked = seen.maskedMaps().get(i).floats();
          assertEquals(2 * 16 * sides[i] * sides[i], whole.length);
          for (int j = 0; j < whole.length; j++) {
            float expected = j % sides[i] < sides[i] / 2 ? whole[j] : 0;
            assertEquals(expected, masked[j], 0, "map " + i + "[" + j + "]");
          }
        }
      }
    }
  }

  /** The reference's transformer as the model's eyes: with no positions added, its own maps. */
  @Test
  void theMapsAreTheReferences() throws IOException {
    ClipVitEncoder.Config vit =
        new ClipVitEncoder.Config(64, 16, 24, 40, 12, 12, ClipActivation.QUICK_GELU, 1e-5);
    String prefix = "visual_tokenizer.";
    VisualTokenizer eyes =
        new VisualTokenizer(
            new VisualTokenizer.Config(4, 32, 16),
            new VitAdapter.Config(vit, 8, 4, 20).network(prefix + "sniffer."),
            new PerceiverResampler(
                new PerceiverResampler.Config(5, 32, 20, 48, 2, 4, 2, true, 1e-12),
                prefix + "perceiver_resampler."),
            prefix);
    try (Fixture fixture = Fixture.open(TRANSFORMER)) {
      String sniffer = prefix + "sniffer.";
      InitialWeights weights =
          new InitialWeights(eyes.params(), 1)
              .from(
                  fixture.weights(),
                  name -> name.startsWith(sniffer) ? name.substring(sniffer.length()) : null)
              .fill("pos_embed", 0);
      long[] shape = fixture.io().info("pixel_values").shape();
      float[] pixels = fixture.io().floats("pixel_values");
      int area = (int) (shape[2] * shape[3]);
      for (int i = 0; i < pixels.length; i++) {
        int channel = i / area % 3;
        pixels[i] =
            pixels[i] * Normalization.CLIP.deviation()[channel]
                + Normalization.CLIP.mean()[channel];
      }
      try (TorchSession session = new TorchEngine().open(weights);
          TorchScope scope = session.scope()) {
        VisualTokenizer.Tokens seen = eyes.forward(scope, scope.floats(pixels, shape), null);
        for (int i = 0; i < 4; i++) {
          float[] expected = fixture.io().floats("ms_" + i);
          float[] found = seen.maps().get(i).floats();
          assertEquals(expected.length, found.length);
          for (int j = 0; j < expected.length; j++) {
            assertEquals(
                expected[j],
                found[j],
                1e-4 + 1e-3 * Math.abs(expected[j]),
                "ms_" + i + "[" + j + "]");
          }
        }
      }
    }
  }
}
