package io.deem.verify;

import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorInfo;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The fixtures on the test class path, and copies of them that hold one wrong number. */
final class FixtureFolders {

  private FixtureFolders() {}

  /** The folder of a fixture. */
  static Path of(String name) {
    URL url = FixtureFolders.class.getResource("/fixtures/" + name);
    if (url == null) {
      throw new IllegalArgumentException("no fixture " + name + " among the test resources");
    }
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(url.toString(), e);
    }
  }

  /**
   * Copies a fixture and multiplies one number of the copy.
   *
   * @param file the safetensors file that changes
   * @param tensor whose element of the largest magnitude changes
   * @param factor what it is multiplied by
   */
  static void corrupt(Path fixture, Path copy, String file, String tensor, double factor)
      throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(fixture)) {
      for (Path each : files) {
        Files.copy(each, copy.resolve(each.getFileName().toString()));
      }
    }
    SafetensorsWriter writer = new SafetensorsWriter();
    try (SafetensorsFile source = SafetensorsFile.open(fixture.resolve(file))) {
      for (String name : source.names()) {
        TensorInfo info = source.info(name);
        if (info.type() == ElementType.F32) {
          float[] values = source.floats(name);
          if (name.equals(tensor)) {
            values[largest(values)] *= (float) factor;
          }
          writer.floats(name, ElementType.F32, info.shape(), () -> values);
        } else {
          writer.longs(name, info.type(), info.shape(), () -> source.longs(name));
        }
      }
      writer.write(copy.resolve(file));
    }
  }

  private static int largest(float[] values) {
    int at = 0;
    for (int i = 1; i < values.length; i++) {
      at = Math.abs(values[i]) > Math.abs(values[at]) ? i : at;
    }
    return at;
  }
}
