package io.deem.verify;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Finds the fixtures among the test resources. */
final class Fixtures {

  private Fixtures() {}

  static Path folder(String name) {
    URL url = Fixtures.class.getResource("/fixtures/" + name + "/config.json");
    if (url == null) {
      throw new IllegalArgumentException("no fixture " + name);
    }
    try {
      return Path.of(url.toURI()).getParent();
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** Copies a fixture's files into a folder of another name. */
  static Path copy(String name, Path to) {
    try {
      Files.createDirectories(to);
      try (var files = Files.list(folder(name))) {
        for (Path file : files.toList()) {
          Files.copy(file, to.resolve(file.getFileName().toString()));
        }
      }
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Report verify(Path folder, List<String> lines) throws IOException {
    return Verification.run(folder, List.of(), 1, lines::add);
  }
}
