package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The official scorers' numbers. */
class MetricsCheckTest {

  private static final Path FIXTURE = FixtureFolders.of("metrics");

  @TempDir Path copy;

  @Test
  void everyStoredValueIsReproduced() throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = Verification.run(FIXTURE, List.of(), 1, lines::add);
    assertTrue(report.ok(), String.join("\n", lines));
    assertEquals(250, report.passed());
  }

  @ParameterizedTest
  @CsvSource({
    "0.4814814814636489, 0.4815, captions.edge.Bleu_1",
    "2.3857659818329653, 2.3858, captions.edge.CIDEr",
    "0.7142857142857143, 0.7143, pope.f1",
    "72.31, 72.32, vqav2.with_extract_answer.overall_accuracy",
    "10.0, 10.1, visdial.sparse.mean"
  })
  void aValueThatIsOffFails(String stored, String wrong, String name) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(FIXTURE)) {
      for (Path each : files) {
        Files.copy(each, copy.resolve(each.getFileName().toString()));
      }
    }
    Path expected = copy.resolve("expected.json");
    String last = "\"" + name.substring(name.lastIndexOf('.') + 1) + "\": ";
    String text = Files.readString(expected);
    assertTrue(text.contains(last + stored), last + stored);
    Files.writeString(expected, text.replace(last + stored, last + wrong));
    List<String> failed =
        Verification.run(copy, List.of(), 1, line -> {}).comparisons().stream()
            .filter(comparison -> !comparison.ok())
            .map(Comparison::name)
            .toList();
    assertTrue(failed.contains(name), failed.toString());
  }
}
