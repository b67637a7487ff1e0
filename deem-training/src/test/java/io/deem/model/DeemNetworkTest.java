package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.diffusion.PredictionType;
import io.deem.graph.Value;
import io.deem.random.StoredDraws;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The training step of the assembled model, against the reference's own losses and gradients. */
class DeemNetworkTest {

  private static final Path FIXTURE = Path.of("src/test/resources/fixtures/deem_full");

  private static DeemConfig config() {
    List<Integer> unet = List.of(8, 8, 16, 16);
    return new DeemConfig(
        64,
        64,
        new InterleavedBatch.Special(1, 2, 95, 96, 97, 5),
        96,
        new ConvNextEncoder.Config(
            List.of(1, 1, 2, 1), List.of(8, 16, 16, 24), 7, true, 16, 12, 1e-6),
        new PerceiverResampler.Config(5, 32, 16, 48, 2, 4, 2, true, 1e-12),
        new VisualTokenizer.Config(4, 32, 16),
        new LlamaDecoder.Config(102, 32, 72, 3, 4, 4, 1e-6, 10_000, 2, 16, List.of(8, 4, 2)),
        new PerceiverResampler.Config(7, 16, 32, 64, 1, 4, 1, false, 1e-12),
        new AutoencoderKl.Config(3, 3, 4, List.of(8, 8, 8, 8), 1, 4, 0.18215),
        new UNet.Config(
            4, 4, unet, List.of(1, 2, 2, 4), List.of(true, true, true, false), 16, 2, 4, 1e-5),
        new MmfsNet.Config(unet, 2, 16, 32, 4, 8, 10, 8, List.of(64, 32, 16, 8)),
        PredictionType.EPSILON);
  }

  @Test
  void theTrainingStepGivesTheReferencesLosses() throws Exception {
    try (SafetensorsFile io = SafetensorsFile.open(FIXTURE.resolve("io.safetensors"));
        SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"));
        TorchSession session = new TorchEngine().open(weights)) {
      DeemNetwork network = new DeemNetwork(config());
      try (TorchScope scope = session.trainingScope()) {
        InterleavedBatch batch = batch(io);
        DeemNetwork.Losses losses =
            network.losses(
                scope,
                new DeemNetwork.Example(
                    batch,
                    scope.floats(io.floats("image_tensors"), 4, 3, 64, 64),
                    scope.floats(io.floats("image_tensors_dec"), 4, 3, 64, 64),
                    batch.textTargets(null, false),
                    null),
                DeemNetwork.LossWeights.PAPER,
                draws(io));
        close(io, "Anoinplace.out.loss_txt", losses.text());
        close(io, "Anoinplace.out.loss_sniffer", losses.consistency());
        close(io, "Anoinplace.out.loss_img", losses.image());
        close(io, "Anoinplace.out.loss", losses.total());
      }
    }
  }

  @Test
  void thePiecesOfTheStepAreTheReferences() throws Exception {
    try (SafetensorsFile io = SafetensorsFile.open(FIXTURE.resolve("io.safetensors"));
        SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"));
        TorchSession session = new TorchEngine().open(weights)) {
      DeemNetwork network = new DeemNetwork(config());
      try (TorchScope scope = session.scope()) {
        InterleavedBatch batch = batch(io);
        Value images = scope.floats(io.floats("image_tensors"), 4, 3, 64, 64);
        VisualTokenizer.Tokens seen = network.eyes().forward(scope, images, null);
        equal(io, "A.mid.vis_embed", seen.tokens().floats());
        equal(io, "A.mid.sniffer_unet_cond", seen.condition().floats());
        equal(io, "A.mid.multiscale_2", seen.maps().get(2).floats());
        equal(io, "A.mid.cross_attention_mask", padded(io, batch, batch.visible(), 2));
        Value embedded = network.language().embed(scope, batch, seen.tokens());
        LlamaDecoder.Images features = network.language().images(scope, batch, seen.maps());
        equal(io, "A.mid.mmfs_features_mm", features.features().floats());
        Value stream = network.language().forward(scope, batch, embedded, features);
        InterleavedBatch.ImageContexts contexts = batch.imageContexts();
        Value condition = network.context().forward(scope, stream, contexts);
        equal(io, "A.mid.imgdec_perceiver", condition.floats());
      }
    }
  }

  /** The table of the images' order has 50 rows, of which the first is for those not seen. */
  @Test
  void aDocumentShowsAsManyImagesAsTheModelTellsApart() throws Exception {
    try (SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"));
        TorchSession session = new TorchEngine().open(weights)) {
      assertEquals(
          50,
          weights.info("mm_decoder.layers.0.llama_cross_attn.attn.query_relpos.weight").shape()[0]);
      InterleavedDecoder language = new DeemNetwork(config()).language();
      try (TorchScope scope = session.scope()) {
        InterleavedBatch most = manyImages(49);
        float[] read =
            language
                .forward(
                    scope,
                    most,
                    language.embed(scope, most, scope.floats(new float[49 * 5 * 32], 49, 5, 32)),
                    language.images(scope, most, maps(scope, 49)))
                .floats();
        assertEquals(most.length() * 32, read.length);
        for (float value : read) {
          assertTrue(Float.isFinite(value));
        }
        IllegalArgumentException refused =
            assertThrows(
                IllegalArgumentException.class,
                () -> language.images(scope, manyImages(50), maps(scope, 50)));
        assertEquals(
            "a document shows 50 images, but the model tells at most 49 apart",
            refused.getMessage());
      }
    }
  }

  private static InterleavedBatch manyImages(int count) {
    int[] ids = new int[1 + 6 * count];
    Arrays.fill(ids, 97);
    ids[0] = 1;
    for (int image = 0; image < count; image++) {
      ids[1 + 6 * image] = 96;
    }
    return new InterleavedBatch(config().special(), List.of(ids), InterleavedBatch.Padding.LEFT);
  }

  private static List<Value> maps(TorchScope scope, int count) {
    return IntStream.of(16, 8, 4, 2)
        .mapToObj(side -> scope.floats(new float[count * 16 * side * side], count, 16, side, side))
        .toList();
  }

  @Test
  void everyParameterOfTheReferenceIsThere() throws Exception {
    try (SafetensorsFile weights = SafetensorsFile.open(FIXTURE.resolve("model.safetensors"))) {
      new DeemNetwork(config())
          .params()
          .forEach(param -> assertNotNull(weights.require(param.name(), param.shape().extents())));
    }
  }

  private static InterleavedBatch batch(SafetensorsFile io) {
    long[] ids = io.longs("text_ids");
    long[] real = io.longs("attention_mask");
    int length = ids.length / 2;
    List<int[]> rows = new ArrayList<>();
    for (int row = 0; row < 2; row++) {
      int first = row * length;
      rows.add(
          IntStream.range(first, first + length)
              .filter(i -> real[i] == 1)
              .map(i -> (int) ids[i])
              .toArray());
    }
    return new InterleavedBatch(config().special(), rows, InterleavedBatch.Padding.RIGHT);
  }

  /** The fixture's rows are padded beyond the longest; padding sees what the last token sees. */
  private static float[] padded(
      SafetensorsFile io, InterleavedBatch batch, float[] values, int width) {
    int length = io.longs("text_ids").length / batch.rows();
    float[] result = new float[batch.rows() * length * width];
    for (int row = 0; row < batch.rows(); row++) {
      for (int i = 0; i < length; i++) {
        int from = (row * batch.length() + Math.min(i, batch.length() - 1)) * width;
        System.arraycopy(values, from, result, (row * length + i) * width, width);
      }
    }
    return result;
  }

  private static StoredDraws draws(SafetensorsFile io) {
    StoredDraws draws = new StoredDraws();
    for (String part : List.of("A.rand.sniffer.", "A.rand.imgdec.")) {
      if (part.contains("imgdec")) {
        draws.thenUniform(io.floats(part + "uncond_rand"));
      }
      draws.thenGaussian(io.floats(part + "vae_noise"));
      draws.thenGaussian(io.floats(part + "noise"));
      String steps = part + (part.contains("imgdec") ? "timesteps" : "timesteps_raw");
      draws.thenInts(java.util.Arrays.stream(io.longs(steps)).mapToInt(t -> (int) t).toArray());
    }
    return draws;
  }

  private static void close(SafetensorsFile io, String name, Value actual) {
    float expected = io.floats(name)[0];
    assertEquals(expected, actual.scalar(), 1e-4 + 1e-3 * Math.abs(expected), name);
  }

  private static void equal(SafetensorsFile io, String name, float[] actual) {
    float[] expected = io.floats(name);
    assertEquals(expected.length, actual.length, name);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(
          expected[i], actual[i], 1e-4 + 1e-3 * Math.abs(expected[i]), name + "[" + i + "]");
    }
  }
}
