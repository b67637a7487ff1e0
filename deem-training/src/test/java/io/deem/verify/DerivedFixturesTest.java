package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.model.DeemConfig;
import io.deem.torch.TorchEngine;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fixtures of the same layout with less in them, and with other sizes than their weights have. */
class DerivedFixturesTest {

  private static final String IO = "io.safetensors";
  private static final String CONFIG = "config.json";

  @TempDir Path folder;

  // ---------------------------------------------------------------- fewer rows and cases

  @ParameterizedTest
  @ValueSource(strings = {"clip_vit", "clip_text", "vae"})
  void theFirstRowAloneGivesWhatItGaveInCompany(String name) throws IOException {
    Path copy = copy(name, tensor -> true, config -> {});
    try (SafetensorsFile io = SafetensorsFile.open(FixtureFolders.of(name).resolve(IO))) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (String tensor : io.names()) {
        TensorInfo info = io.info(tensor);
        long[] shape = info.shape();
        ByteBuffer bytes = io.bytes(tensor).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer first = bytes.slice();
        first.limit(Math.toIntExact(first.remaining() / shape[0]));
        shape[0] = 1;
        writer.bytes(tensor, info.type(), shape, () -> first);
      }
      writer.write(copy.resolve(IO));
    }
    assertPasses(copy);
  }

  @Test
  void aTrainingStepNeedsOnlyItsFirstRun() throws IOException {
    Path copy =
        copy(
            "deem_full",
            tensor -> !tensor.matches("(Amask|Anoinplace|B|U|A\\.adamw_clipped_step1)\\..*"),
            config -> config.remove("runB"));
    Report report = assertPasses(copy);
    // The steps' parameters are still compared, and nothing of the runs that are gone.
    assertTrue(named(report, "A.adamw_step2.soi_token"));
    assertTrue(named(report, "A.out.loss"));
    assertTrue(report.comparisons().stream().noneMatch(c -> c.name().startsWith("B.")));
  }

  @Test
  void generationNeedsNeitherScoresNorImages() throws IOException {
    Path copy =
        copy(
            "deem_generate",
            tensor -> !tensor.startsWith("score.") && !tensor.matches("(img|txt2)\\..*"),
            config -> {});
    Files.createSymbolicLink(
        folder.resolve("deem_full"), FixtureFolders.of("deem_full").toAbsolutePath());
    Report report = assertPasses(copy);
    // Else the folder's end would warn of where it leads.
    Files.delete(folder.resolve("deem_full"));
    assertTrue(named(report, "txt.out.greedy"));
  }

  @Test
  void adaptationNeedsNotEveryCase() throws IOException {
    Path copy = copy("tta", tensor -> !tensor.matches("(W|Wfast|Wfwd)\\..*"), config -> {});
    Report report = assertPasses(copy);
    assertTrue(named(report, "V.losses"));
    assertTrue(report.comparisons().stream().noneMatch(c -> c.name().startsWith("W")));
  }

  // ---------------------------------------------------------------- what config.json says

  /** Each entry is one without which the fixture cannot be computed. */
  @ParameterizedTest
  @CsvSource({
    "deem_full, optimizer.betas",
    "deem_full, runB.dataset_name",
    "deem_full, model.visual_tokenizer_config.perceiver_config.num_queries",
    "deem_full, model.special_token_dict.soi_token_id",
    "deem_full, trainable_pretrain",
    "tta, cases.V.lr",
    "mask_align, mask_shape",
    "unet, mmfs.n_points",
    "unet, unet.attention_head_dim",
    "vae, block_out_channels",
    "llama_mha, eos_token_id"
  })
  void aMissingEntryIsNamedWithItsPlace(String name, String entry) throws IOException {
    Path copy =
        copy(
            name,
            tensor -> true,
            config -> {
              String[] path = entry.split("\\.", -1);
              JsonObject around = config;
              for (int i = 0; i + 1 < path.length; i++) {
                around = around.getAsJsonObject(path[i]);
              }
              assertTrue(around.has(path[path.length - 1]));
              around.remove(path[path.length - 1]);
            });
    Report report = verify(copy);
    Comparison last = report.comparisons().get(report.comparisons().size() - 1);
    assertEquals(
        "IllegalArgumentException: config.json: has no " + entry, last.note(), last.line());
  }

  @Test
  void aWrongEntryIsNamedWithItsPlace() {
    JsonObject json = JsonParser.parseString("{'a': {'b': 'many'}}").getAsJsonObject();
    Sizes a = new Sizes(json).section("a");
    IllegalArgumentException wrong =
        assertThrows(IllegalArgumentException.class, () -> a.integer("b"));
    assertEquals("config.json: a.b is not a whole number but \"many\"", wrong.getMessage());
    assertEquals(7, a.integer("c", 7));
    assertThrows(IllegalArgumentException.class, () -> a.integer("b", 7));
  }

  @Test
  void sizesThatNoShapeTellsAreReadWhereTheConfigurationHasThem() throws IOException {
    DeemConfig plain = complete(config -> {});
    assertEquals(4, plain.autoencoder().normNumGroups());
    assertEquals(0.18215, plain.autoencoder().scalingFactor());
    assertEquals(1e-6, plain.languageModel().epsilon());
    assertEquals(10_000, plain.languageModel().ropeTheta());
    assertEquals(1e-12, plain.visualResampler().normEps());
    assertEquals(8, plain.denoiserResiduals().downsampleFactor());
    DeemConfig other =
        complete(
            config -> {
              JsonObject dims = config.getAsJsonObject("dims");
              dims.addProperty("norm_num_groups", 2);
              dims.addProperty("scaling_factor", 0.5);
              dims.addProperty("rms_norm_eps", 1e-5);
              dims.addProperty("rope_theta", 5000);
              JsonObject model = config.getAsJsonObject("model");
              model.getAsJsonObject("image_decoder_config").addProperty("image_size", 128);
              JsonObject visual = model.getAsJsonObject("visual_tokenizer_config");
              visual.getAsJsonObject("perceiver_config").addProperty("layer_norm_eps", 1e-9);
              visual.getAsJsonObject("perceiver_config").remove("intermediate_size");
            });
    assertEquals(2, other.autoencoder().normNumGroups());
    assertEquals(2, other.denoiser().normNumGroups());
    assertEquals(0.5, other.autoencoder().scalingFactor());
    assertEquals(1e-5, other.languageModel().epsilon());
    assertEquals(5000, other.languageModel().ropeTheta());
    assertEquals(1e-9, other.visualResampler().normEps());
    // The reference's default for a resampler that says nothing.
    assertEquals(3072, other.visualResampler().hidden());
    // The factor is that of the images that are drawn, 512 / 128, not of those that are seen.
    assertEquals(64, other.imageSize());
    assertEquals(128, other.drawnSize());
    assertEquals(4, other.denoiserResiduals().downsampleFactor());
    assertEquals(List.of(64, 32, 16, 8), other.denoiserResiduals().spatialShapes());
  }

  @Test
  void anotherNoiseScheduleIsRefusedRatherThanPassedOver() {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                complete(
                    config -> config.getAsJsonObject("scheduler").addProperty("beta_end", 0.02)));
    assertTrue(refused.getMessage().startsWith("config.json: scheduler"), refused.getMessage());
  }

  @Test
  void otherWeightsOfTheLossesGiveAnotherTotal() throws IOException {
    Path copy =
        copy(
            "deem_full",
            tensor -> !tensor.matches("(Amask|B|U|A\\.adamw.*|A\\.grad.*)\\..*"),
            config -> config.getAsJsonObject("model").addProperty("loss_txt_weight", 2));
    List<String> failed =
        verify(copy).comparisons().stream()
            .filter(comparison -> !comparison.ok())
            .map(Comparison::name)
            .sorted()
            .toList();
    assertEquals(List.of("A.grad_norm", "A.out.loss", "Anoinplace.out.loss"), failed);
  }

  // ---------------------------------------------------------------- folders

  private static DeemConfig complete(Consumer<JsonObject> change) throws IOException {
    Path fixture = FixtureFolders.of("deem_full");
    JsonObject config =
        JsonParser.parseString(Files.readString(fixture.resolve(CONFIG))).getAsJsonObject();
    change.accept(config);
    try (SafetensorsFile weights = SafetensorsFile.open(fixture.resolve("model.safetensors"))) {
      return CompleteModel.of(config, weights);
    }
  }

  /** A fixture with some of its tensors and a changed configuration. */
  private Path copy(String name, Predicate<String> kept, Consumer<JsonObject> change)
      throws IOException {
    Path fixture = FixtureFolders.of(name);
    Path copy = Files.createDirectory(folder.resolve("copy"));
    JsonObject config =
        JsonParser.parseString(Files.readString(fixture.resolve(CONFIG))).getAsJsonObject();
    change.accept(config);
    Files.writeString(copy.resolve(CONFIG), config.toString());
    if (Files.exists(fixture.resolve("model.safetensors"))) {
      Files.copy(fixture.resolve("model.safetensors"), copy.resolve("model.safetensors"));
    }
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile io = SafetensorsFile.open(fixture.resolve(IO))) {
      io.names().stream().filter(kept).forEach(tensor -> writer.copy(tensor, io));
      writer.write(copy.resolve(IO));
    }
    return copy;
  }

  private static boolean named(Report report, String name) {
    return report.comparisons().stream().anyMatch(comparison -> comparison.name().equals(name));
  }

  private static Report assertPasses(Path copy) throws IOException {
    Report report = verify(copy);
    List<String> failed = new ArrayList<>();
    report.comparisons().stream().filter(c -> !c.ok()).forEach(c -> failed.add(c.line()));
    assertEquals(List.of(), failed);
    assertTrue(report.ok());
    return report;
  }

  private static Report verify(Path copy) throws IOException {
    return Verification.run(copy, List.of(new TorchEngine()), 1, line -> {});
  }
}
