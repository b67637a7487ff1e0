package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The language model and the synchronizer against their reference numbers. */
class LlamaFixturesTest {

  @TempDir Path copy;

  @ParameterizedTest
  @CsvSource({
    "mmfs_text, 67",
    "mmfs_image, 34",
    "llama_mha, 18",
    "llama_gqa, 22",
    "llama_mmfs, 48"
  })
  void everyStoredResultIsReproduced(String name, int comparisons) throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = verify(FixtureFolders.of(name), lines);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(comparisons, report.passed());
  }

  @ParameterizedTest
  @CsvSource({
    // A cotangent without gradients.
    "mmfs_text, mask3d_long/cotangent",
    "mmfs_image,",
    "llama_mha,",
    "llama_gqa,",
    "llama_mmfs,"
  })
  void noStoredTensorIsOverlooked(String name, String useless) throws IOException {
    try (Fixture fixture = Fixture.open(FixtureFolders.of(name))) {
      List<FixtureCheck> fitting =
          List.of(new MmfsCheck(), new LlamaCheck(), new LlamaMmfsCheck()).stream()
              .filter(check -> check.matches(fixture))
              .toList();
      assertEquals(1, fitting.size());
      fitting.get(0).run(fixture, new TorchEngine(), new Report(1, line -> {}));
      assertEquals(useless == null ? Set.of() : Set.of(useless), fixture.unread());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "mmfs_text, mask3d_lastrow/output",
    "mmfs_image, mask2d_allmasked/output",
    "llama_mha, nomask_logits_cached",
    "llama_gqa, right_hidden_2",
    "llama_gqa, loss",
    "llama_mha, gen_beam3_scored_sequences_scores",
    "llama_mmfs, step_logits",
    "llama_mmfs, last_hidden_state_novision"
  })
  void aResultThatIsOnePerCentOffFails(String name, String tensor) throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "io.safetensors", tensor, 1.01);
    assertEquals(List.of(tensor), failures(copy));
  }

  @ParameterizedTest
  @CsvSource({
    "mmfs_text, mask2d/grad_reference_points",
    "mmfs_text, mask3d/grad.query_relpos.weight",
    "mmfs_image, mask2d/grad.ignore_token",
    "llama_mmfs, grad.model.layers.2.llama_cross_attn.gate",
    "llama_mmfs, grad_vision_hidden_states"
  })
  void aGradientThatIsThreePerCentOffFails(String name, String tensor) throws IOException {
    // Gradients may be off by 1 % of their size.
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "io.safetensors", tensor, 1.03);
    assertEquals(List.of(tensor), failures(copy));
  }

  @ParameterizedTest
  @CsvSource({
    "mmfs_text, sampling_offsets.weight, mask2d/output",
    "llama_gqa, model.layers.1.self_attn.k_proj.weight, left_logits",
    "llama_mha, lm_head.weight, nomask_logits_cached",
    "llama_mmfs, model.layers.2.llama_cross_attn.gate, step_logits"
  })
  void aWeightThatIsTenPerCentOffFails(String name, String weight, String result)
      throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "model.safetensors", weight, 1.1);
    assertTrue(failures(copy).contains(result));
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
