package io.deem.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SchedulersCheckTest {

  @TempDir Path temporary;

  @Test
  void everyStoredTensorIsReproduced() throws IOException {
    List<String> lines = new ArrayList<>();
    Report report = Fixtures.verify(Fixtures.folder("schedulers"), lines);
    assertTrue(report.ok(), () -> String.join("\n", lines));
    assertEquals(233, report.passed());
    assertEquals("233 passed, 0 failed", lines.get(lines.size() - 1));
    assertTrue(lines.contains("alphas_cumprod java 0.00 0.00 ok"));
  }

  @Test
  void everyStoredTensorIsRead() throws IOException {
    try (Fixture fixture = Fixture.open(Fixtures.folder("schedulers"))) {
      new SchedulersCheck().run(fixture, null, new Report(1, line -> {}));
      assertEquals(Set.of(), fixture.unread());
    }
  }

  @Test
  void latentsAgreeMuchBetterThanTheToleranceAsks() throws IOException {
    Report report = Verification.run(Fixtures.folder("schedulers"), List.of(), 0.1, line -> {});
    assertTrue(report.ok(), () -> report.summary());
  }

  @Test
  void aCopyUnderAnotherNameIsRecognisedAndOneWrongNumberIsFound() throws IOException {
    Path copy = Fixtures.copy("schedulers", temporary.resolve("other"));
    String tensor = "ddim_eps_leading_20/latents";
    TensorInfo info;
    try (SafetensorsFile file = SafetensorsFile.open(copy.resolve("io.safetensors"))) {
      info = file.info(tensor);
    }
    try (FileChannel channel =
        FileChannel.open(copy.resolve("io.safetensors"), StandardOpenOption.WRITE)) {
      ByteBuffer wrong = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 77f);
      channel.write(wrong, info.offset() + 4 * 5);
    }
    List<String> lines = new ArrayList<>();
    Report report = Fixtures.verify(copy, lines);
    assertFalse(report.ok());
    assertEquals(1, report.failed());
    String line = lines.stream().filter(l -> l.contains("FAIL")).findFirst().orElseThrow();
    assertTrue(line.startsWith(tensor + " java "), line);
    assertTrue(line.contains("first at 5: "), line);
    assertEquals("232 passed, 1 failed", lines.get(lines.size() - 1));
  }

  @Test
  void anUnknownOptionFails() throws IOException {
    Path copy = Fixtures.copy("schedulers", temporary.resolve("other"));
    Path config = copy.resolve("config.json");
    String text = Files.readString(config).replace("\"midpoint\"", "\"heun\"");
    Files.writeString(config, text);
    Report report = Fixtures.verify(copy, new ArrayList<>());
    assertEquals(1, report.failed());
    Comparison last = report.comparisons().get(report.comparisons().size() - 1);
    assertTrue(last.note().contains("solver_type = heun"), last.note());
  }

  @Test
  void aTruncatedFileIsRefusedWithOneLine() throws IOException {
    Path copy = Fixtures.copy("schedulers", temporary.resolve("other"));
    Path file = copy.resolve("io.safetensors");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - 1);
    }
    IOException failure =
        assertThrows(IOException.class, () -> Fixtures.verify(copy, new ArrayList<>()));
    assertTrue(failure.getMessage().contains("io.safetensors"), failure.getMessage());
    assertEquals(1, failure.getMessage().lines().count());
  }

  @Test
  void otherFoldersAreRefused() throws IOException {
    Path empty = Files.createDirectory(temporary.resolve("empty"));
    assertThrows(IOException.class, () -> Fixtures.verify(empty, new ArrayList<>()));
    Files.writeString(empty.resolve("config.json"), "{\"cases\": []}");
    IllegalArgumentException failure =
        assertThrows(
            IllegalArgumentException.class, () -> Fixtures.verify(empty, new ArrayList<>()));
    assertTrue(failure.getMessage().contains("known kind"), failure.getMessage());
    Files.writeString(empty.resolve("config.json"), "{\"cases\": ");
    assertThrows(IOException.class, () -> Fixtures.verify(empty, new ArrayList<>()));
    Files.writeString(empty.resolve("config.json"), "[1]");
    assertThrows(IOException.class, () -> Fixtures.verify(empty, new ArrayList<>()));
  }
}
