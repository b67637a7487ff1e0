package io.deem.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Engine;
import io.deem.verify.Report;
import io.deem.verify.Verification;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The networks against their reference numbers. Gradients are not ONNX Runtime's affair. */
class OnnxFixturesTest {

  private static final List<Engine> ENGINE = List.of(new OnnxEngine(1));

  @TempDir Path copy;

  @ParameterizedTest
  @CsvSource({
    "clip_text, 2",
    "clip_vit, 7",
    "convnext, 17",
    "deem_full, 48",
    "deem_generate, 30",
    "deem_vit_adapter, 7",
    "llama_gqa, 22",
    "llama_mha, 18",
    "llama_mmfs, 8",
    "mask_align, 21",
    "mmfs_image, 4",
    "mmfs_text, 7",
    "qformer_plain, 5",
    "qformer_qknorm, 8",
    "unet, 41",
    "vae, 9"
  })
  void everyStoredOutputIsReproduced(String name, int comparisons) throws Exception {
    List<String> lines = new ArrayList<>();
    Report report = Verification.run(fixture(name), ENGINE, 1, lines::add);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(comparisons, report.passed());
  }

  @Test
  void aWeightThatIsOffFails() throws Exception {
    Path fixture = fixture("convnext");
    for (String file : List.of("config.json", "io.safetensors")) {
      Files.copy(fixture.resolve(file), copy.resolve(file));
    }
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile weights = SafetensorsFile.open(fixture.resolve("model.safetensors"))) {
      for (String name : weights.names()) {
        float[] values = weights.floats(name);
        if (name.equals("vision_model.visual.trunk.stages.0.blocks.0.norm.weight")) {
          values[0] *= 1.5f;
        }
        TensorInfo info = weights.info(name);
        writer.floats(name, ElementType.F32, info.shape(), () -> values);
      }
      writer.write(copy.resolve("model.safetensors"));
    }
    assertFalse(Verification.run(copy, ENGINE, 1, line -> {}).ok());
  }

  @Test
  void whatOnlyTrainingComputesIsRefused() throws Exception {
    Path tta = fixture("tta");
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> Verification.run(tta, ENGINE, 1, line -> {}))
            .getMessage();
    assertTrue(message.contains("onnxruntime-fp32"), message);
  }

  private static Path fixture(String name) throws IOException {
    try {
      return Path.of(OnnxFixturesTest.class.getResource("/fixtures/" + name).toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IOException(e);
    }
  }
}
