package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The image encoder and the resampler against their reference numbers. */
class EncoderFixturesTest {

  @TempDir Path copy;

  @ParameterizedTest
  @CsvSource({"convnext, 24", "qformer_qknorm, 46", "qformer_plain, 35"})
  void everyStoredResultIsReproduced(String name, int comparisons) throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = verify(FixtureFolders.of(name), lines);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(comparisons, report.passed());
  }

  @ParameterizedTest
  @CsvSource({"convnext", "qformer_qknorm", "qformer_plain"})
  void noStoredTensorIsOverlooked(String name) throws IOException {
    try (Fixture fixture = Fixture.open(FixtureFolders.of(name))) {
      FixtureCheck check = name.equals("convnext") ? new ConvNextCheck() : new QFormerCheck();
      assertTrue(check.matches(fixture));
      check.run(fixture, new TorchEngine(), new Report(1, line -> {}));
      assertEquals(Set.of(), fixture.unread());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "convnext, stem",
    "convnext, stage_2",
    "convnext, ms_1",
    "convnext, rect_ms_3",
    "convnext, clip_embed",
    "convnext, pooler_output",
    "convnext, grad_loss",
    "qformer_qknorm, hidden_0",
    "qformer_qknorm, hidden_3",
    "qformer_plain, out_nomask",
    "qformer_plain, pooler_output"
  })
  void aResultThatIsOnePerCentOffFails(String name, String tensor) throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "io.safetensors", tensor, 1.01);
    assertEquals(List.of(tensor), failures(copy));
  }

  @ParameterizedTest
  @CsvSource({
    "convnext, grad.vision_model.visual.trunk.stages.1.blocks.0.gamma",
    "convnext, grad_pixel_values_image0",
    "qformer_qknorm, grad.blip2qformer.encoder.layer.0.crossattention.attention.q_norm.weight",
    "qformer_plain, grad_encoder_hidden_states"
  })
  void aGradientThatIsThreePerCentOffFails(String name, String tensor) throws IOException {
    // Gradients may be off by 1 % of their size.
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "io.safetensors", tensor, 1.03);
    assertEquals(List.of(tensor), failures(copy));
  }

  @ParameterizedTest
  @CsvSource({
    "convnext, vision_model.visual.trunk.stages.0.blocks.0.norm.weight, last_hidden_state",
    "convnext, vision_model.adapter_cls.bias, pooler_output",
    "qformer_qknorm, queries, hidden_0",
    "qformer_plain, blip2qformer.encoder.layer.0.output_query.LayerNorm.weight, out_mask"
  })
  void aWeightThatIsOnePerCentOffFails(String name, String weight, String result)
      throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "model.safetensors", weight, 1.01);
    assertTrue(failures(copy).contains(result));
  }

  @Test
  void aWeightOfAnotherShapeIsNamed() throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of("qformer_plain"), copy, "io.safetensors", "", 1);
    Files.delete(copy.resolve("model.safetensors"));
    Files.copy(
        FixtureFolders.of("qformer_qknorm").resolve("model.safetensors"),
        copy.resolve("model.safetensors"));
    List<String> lines = new ArrayList<>();
    assertFalse(verify(copy, lines).ok());
    assertTrue(lines.get(0).contains("queries"), lines.get(0));
  }

  private static Report verify(Path folder, List<String> lines) throws IOException {
    return Verification.run(folder, List.of(new TorchEngine()), 1, lines::add);
  }

  private static List<String> failures(Path folder) throws IOException {
    return verify(folder, new ArrayList<>()).comparisons().stream()
        .filter(comparison -> !comparison.ok())
        .map(Comparison::name)
        .toList();
  }
}
