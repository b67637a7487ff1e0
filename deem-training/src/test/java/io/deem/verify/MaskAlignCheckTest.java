package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokens for regions against their reference numbers. */
class MaskAlignCheckTest {

  private static final Path FIXTURE = FixtureFolders.of("mask_align");
  private static final String EXTRACTOR = "visual_tokenizer.feature_extractor.";

  @TempDir Path copy;

  @Test
  void everyStoredResultIsReproduced() throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = verify(FIXTURE, lines);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(188, report.passed());
  }

  @Test
  void noStoredTensorIsOverlooked() throws IOException {
    try (Fixture fixture = Fixture.open(FIXTURE)) {
      MaskAlignCheck check = new MaskAlignCheck();
      assertTrue(check.matches(fixture));
      check.run(fixture, new TorchEngine(), new Report(1, line -> {}));
      assertEquals(Set.of(), fixture.unread());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "mid.pooled_3, 1.01",
    "mid.mask_feats, 1.01",
    "mid.noisy_latents, 1.01",
    "out.loss_sniffer, 1.01",
    "noalign.vis_embed, 1.01",
    // Gradients may be off by 1 % of their size.
    "grad.visual_tokenizer.feature_extractor.mask_linear.layers.0.weight, 1.03",
    "grad.visual_tokenizer.sniffer.vision_model.adapter_c2.weight, 1.03",
    "grad_sniffer.visual_tokenizer.proj_i.weight, 1.03"
  })
  void aResultThatIsOffFails(String tensor, double factor) throws IOException {
    FixtureFolders.corrupt(FIXTURE, copy, "io.safetensors", tensor, factor);
    assertEquals(List.of(tensor), failures(copy));
  }

  @ParameterizedTest
  @CsvSource({
    "mask_linear.layers.2.bias, mid.mask_feats",
    "mask_feat_linear.weight, out.vis_embed",
    "mask_linear.layers.0.weight, mid.qformer_inputs"
  })
  void aWeightThatIsOffFailsOnlyWhereRegionsAreDescribed(String weight, String result)
      throws IOException {
    FixtureFolders.corrupt(FIXTURE, copy, "model.safetensors", EXTRACTOR + weight, 3);
    List<String> failures = failures(copy);
    assertTrue(failures.contains(result), failures.toString());
    assertTrue(!failures.contains("noalign.vis_embed"), failures.toString());
    assertTrue(!failures.contains("mid.pooled_0"), failures.toString());
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
