package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The fixtures of texts and prompts. */
class TextChecksTest {

  @TempDir Path folder;

  @Test
  void everyTextIsReproduced() throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = Fixtures.verify(Fixtures.folder("tokenizer"), lines);
    assertTrue(report.ok(), () -> failures(lines));
    assertEquals(1105, report.passed());
  }

  @Test
  void everyPromptIsReproduced() throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = Fixtures.verify(Fixtures.folder("prompts"), lines);
    assertTrue(report.ok(), () -> failures(lines));
    assertEquals(455, report.passed());
  }

  @Test
  void anotherAnswerIsNoticed() throws IOException {
    Path copy = Fixtures.copy("prompts", folder.resolve("other"));
    Path samples = copy.resolve("samples.json");
    String changed = Files.readString(samples).replace("\"black and white\"", "\"black or white\"");
    Files.writeString(samples, changed);
    List<String> lines = new ArrayList<>();
    Report report = Fixtures.verify(copy, lines);
    assertFalse(report.ok());
    Set<String> failed =
        Set.copyOf(
            report.comparisons().stream()
                .filter(comparison -> !comparison.ok())
                .map(Comparison::name)
                .toList());
    assertEquals(Set.of("legacy.vqa_train.text_ids", "nonlegacy.vqa_train.text_ids"), failed);
  }

  @Test
  void anotherVocabularyIsNotTaken() throws IOException {
    Path copy = Fixtures.copy("tokenizer", folder.resolve("fixture"));
    Path config = copy.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("0f97b43379", "0000000000"));
    IOException e = assertThrows(IOException.class, () -> Fixtures.verify(copy, new ArrayList<>()));
    assertTrue(e.getMessage().startsWith(copy + ": needs the tokenizer.json of a LLaMA"));
  }

  private static String failures(List<String> lines) {
    return String.join("\n", lines.stream().filter(line -> !line.contains(" ok")).toList());
  }
}
