package io.deem.android;

import io.deem.mini.DeemMini;
import io.deem.onnx.OnnxEngine;
import io.deem.onnx.OnnxExport;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** deem-mini as it is put on a device, made once for the tests of a process. */
final class ExportedMini {

  private static File folder;

  private ExportedMini() {}

  static synchronized File folder() throws IOException {
    if (folder == null) {
      Path parent = Files.createTempDirectory("deem-android");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(parent)));
      Path exported = parent.resolve("model");
      OnnxExport.write(new OnnxEngine(1), DeemMini.folder(), exported);
      folder = exported.toFile();
    }
    return folder;
  }

  private static void delete(Path parent) {
    try (Stream<Path> files = Files.walk(parent)) {
      List<Path> inside = files.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
      for (Path each : inside) {
        Files.delete(each);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
