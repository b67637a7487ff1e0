package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.deem.graph.Param;
import io.deem.json.RecordJson;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The model of the paper with OpenAI's transformers in place of its ConvNeXt. */
class ImageEncoderTest {

  /** ViT-L/14 on 224 pixels: 16 x 16 patches, as wide as the adapter's maps. */
  private static final VitAdapter.Config LARGE =
      new VitAdapter.Config(
          new ClipVitEncoder.Config(224, 14, 1024, 4096, 24, 16, ClipActivation.QUICK_GELU, 1e-5),
          64,
          4,
          0);

  /** ViT-B/16 on 256 pixels: as many patches, projected to that width. */
  private static final VitAdapter.Config BASE =
      new VitAdapter.Config(
          new ClipVitEncoder.Config(256, 16, 768, 3072, 12, 12, ClipActivation.QUICK_GELU, 1e-5),
          64,
          4,
          1024);

  private static DeemConfig seeing(ImageEncoder.Config encoder, int imageSize) {
    DeemConfig paper = FullSize.architecture();
    return new DeemConfig(
        imageSize,
        paper.drawnSize(),
        paper.special(),
        paper.originalVocabulary(),
        encoder,
        paper.visualResampler(),
        paper.visualTokenizer(),
        paper.languageModel(),
        paper.contextResampler(),
        paper.autoencoder(),
        paper.denoiser(),
        paper.denoiserResiduals(),
        paper.prediction());
  }

  /**
   * OpenAI's image encoders without their last norm, which the adapter does not use: 303,179,776
   * numbers less 2 x 1,024; 85,799,424 less 2 x 768, and positions for 257 patches, not 197.
   */
  @Test
  void theTransformersHaveTheirPublishedSizes() {
    assertEquals(303_179_776L - 2 * 1024, parts(LARGE, 224).get(ModelPart.IMAGE_ENCODER));
    assertEquals(85_799_424L - 2 * 768 + 60 * 768, parts(BASE, 256).get(ModelPart.IMAGE_ENCODER));
    long projections = 5 * (768 + 1) * 1024;
    assertTrue(parts(BASE, 256).get(ModelPart.ENCODER_ADAPTER) > projections);
  }

  private static Map<ModelPart, Long> parts(ImageEncoder.Config encoder, int imageSize) {
    return ModelPart.count(new DeemNetwork(seeing(encoder, imageSize)).params());
  }

  /** The reference freezes an encoder by names that start with "adapter"; the rest stays. */
  @Test
  void freezingTheEncoderLeavesTheAdapterLearning() {
    List<String> sniffer =
        new DeemNetwork(seeing(BASE, 256))
            .params().stream()
                .map(Param::name)
                .filter(name -> name.startsWith("visual_tokenizer.sniffer."))
                .toList();
    List<String> learning = sniffer.stream().filter(Freezing.EVERYTHING).toList();
    assertFalse(learning.isEmpty());
    assertTrue(learning.stream().allMatch(name -> name.contains(".vision_model.adapter_")));
    assertTrue(sniffer.stream().allMatch(Freezing.PRETRAINING));
    String layer = "visual_tokenizer.sniffer.vision_model.encoder.layers.0.";
    assertTrue(Freezing.inLayerNorm(layer + "layer_norm1.weight"));
    assertTrue(Freezing.inLayerNorm("visual_tokenizer.sniffer.vision_model.pre_layrnorm.weight"));
    assertFalse(Freezing.inLayerNorm(layer + "mlp.fc1.weight"));
    // The convolutions beside have norms of the reference's own, which decay.
    assertFalse(
        Freezing.inLayerNorm("visual_tokenizer.sniffer.vision_model.adapter_spm.stem.1.weight"));
  }

  @Test
  void aDescriptionHoldsEitherEncoder() throws IOException {
    for (DeemConfig config : List.of(seeing(LARGE, 224), FullSize.architecture())) {
      assertEquals(config, read(json(config)).architecture());
    }
    assertInstanceOf(ConvNextEncoder.Config.class, FullSize.architecture().encoder());
    JsonObject json = json(seeing(LARGE, 224));
    encoder(json).remove("channels");
    assertTrue(refused(json).endsWith("has no entry \"architecture.encoder.channels\""));
    encoder(json).addProperty("channels", 64);
    encoder(json).addProperty("depths", 64);
    assertTrue(refused(json).endsWith("unknown entry \"architecture.encoder.depths\""));
    json.getAsJsonObject("architecture").add("encoder", new JsonObject());
    assertTrue(refused(json).endsWith("has no entry \"architecture.encoder.depths\""));
  }

  /** Position embeddings are for one size of images, and memory for what fits a description. */
  @Test
  void sizesThatDoNotFitAreRefused() {
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> seeing(LARGE, 256))
            .getMessage()
            .contains("imageSize is 256, which the image encoder does not see"));
    ClipVitEncoder.Config vast =
        new ClipVitEncoder.Config(1 << 16, 1, 1024, 4096, 24, 16, ClipActivation.QUICK_GELU, 1e-5);
    assertThrows(IllegalArgumentException.class, () -> new VitAdapter.Config(vast, 64, 4, 0));
    assertThrows(IllegalArgumentException.class, () -> new VitAdapter.Config(LARGE.vit(), 0, 4, 0));
  }

  private static JsonObject json(DeemConfig config) {
    ModelFolder.Description paper = FullSize.description();
    JsonObject json =
        RecordJson.write(
                new ModelFolder.Description("test", config, paper.prompts(), false, Map.of()))
            .getAsJsonObject();
    json.addProperty("format", "deem/1");
    return json;
  }

  private static JsonObject encoder(JsonObject description) {
    return description.getAsJsonObject("architecture").getAsJsonObject("encoder");
  }

  private static ModelFolder.Description read(JsonObject json) throws IOException {
    return ModelFolder.description("deem.json", json.toString());
  }

  private static String refused(JsonObject json) {
    return assertThrows(MalformedModelException.class, () -> read(json)).getMessage();
  }
}
