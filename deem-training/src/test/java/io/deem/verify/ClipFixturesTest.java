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

/** The CLIP encoders and the adapter against their reference numbers. */
class ClipFixturesTest {

  @TempDir Path copy;

  @ParameterizedTest
  @CsvSource({"clip_vit, 7", "clip_text, 2", "deem_vit_adapter, 7"})
  void everyStoredResultIsReproduced(String name, int comparisons) throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = verify(FixtureFolders.of(name), lines);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(comparisons, report.passed());
  }

  @ParameterizedTest
  @CsvSource({"clip_vit", "clip_text", "deem_vit_adapter"})
  void noStoredTensorIsOverlooked(String name) throws IOException {
    try (Fixture fixture = Fixture.open(FixtureFolders.of(name))) {
      List<FixtureCheck> fitting =
          List.of(new ClipVitCheck(), new ClipTextCheck(), new VitAdapterCheck()).stream()
              .filter(check -> check.matches(fixture))
              .toList();
      assertEquals(1, fitting.size());
      fitting.get(0).run(fixture, new TorchEngine(), new Report(1, line -> {}));
      assertEquals(Set.of(), fixture.unread());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "clip_vit, hidden_0",
    "clip_vit, hidden_2",
    "clip_vit, pooler_output",
    "clip_vit, gelu_last_hidden_state",
    "clip_text, last_hidden_state",
    "clip_text, pooler_output",
    "deem_vit_adapter, ms_0",
    "deem_vit_adapter, ms_3",
    "deem_vit_adapter, last_hidden_state"
  })
  void aResultThatIsOnePerCentOffFails(String name, String tensor) throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of(name), copy, "io.safetensors", tensor, 1.01);
    assertEquals(List.of(tensor), failures(copy));
  }

  @ParameterizedTest
  @CsvSource({
    "clip_vit, vision_model.pre_layrnorm.weight, hidden_0",
    "clip_vit, vision_model.post_layernorm.bias, pooler_output",
    "clip_text, text_model.embeddings.position_embedding.weight, last_hidden_state",
    "deem_vit_adapter, vision_model.adapter_spm.stem.6.weight, ms_0",
    "deem_vit_adapter, vision_model.adapter_level_embed, ms_2",
    "deem_vit_adapter, vision_model.adapter_interactions.0.injector.gamma, last_hidden_state",
    "deem_vit_adapter, vision_model.c4_proj.bias, ms_3"
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
