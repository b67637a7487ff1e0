package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FeedbackFixturesTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"lora", "diva", "genhancer"})
  void libtorchComputesTheStoredNumbers(String fixture) throws IOException {
    StringBuilder lines = new StringBuilder();
    Report report =
        Verification.run(
            FixtureFolders.of(fixture),
            List.of(new TorchEngine()),
            1,
            line -> lines.append(line).append('\n'));
    assertTrue(report.ok(), lines.toString());
  }

  @Test
  void everyTensorIsCompared() throws IOException {
    assertEquals(Set.of(), unread("lora", new io.deem.training.verify.LoraCheck()));
    assertEquals(Set.of(), unread("genhancer", new io.deem.training.verify.GenHancerCheck()));
    // They come from a text tower that the fixture leaves out.
    assertEquals(
        Set.of("step0.logits", "step1.logits"),
        unread("diva", new io.deem.training.verify.DivaCheck()));
  }

  @ParameterizedTest
  @CsvSource({
    "lora, io.safetensors, b.lora_A",
    "diva, model.safetensors, visual_proj.weight",
    "genhancer, model.safetensors, dit.single_blocks.1.linear2.weight"
  })
  void aWrongNumberIsFound(String fixture, String file, String tensor) throws IOException {
    FixtureFolders.corrupt(FixtureFolders.of(fixture), folder, file, tensor, 1.5);
    Report report = Verification.run(folder, List.of(new TorchEngine()), 1, line -> {});
    assertTrue(report.failed() > 0);
  }

  private static Set<String> unread(String name, FixtureCheck check) throws IOException {
    try (Fixture fixture = Fixture.open(FixtureFolders.of(name))) {
      assertTrue(check.matches(fixture));
      check.run(fixture, new TorchEngine(), new Report(1, line -> {}));
      return fixture.unread();
    }
  }
}
