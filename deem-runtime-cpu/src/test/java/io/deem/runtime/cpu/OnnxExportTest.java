package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import io.deem.RedrawOptions;
import io.deem.model.ModelFolder;
import io.deem.onnx.OnnxEngine;
import io.deem.onnx.OnnxExport;
import io.deem.ort.OnnxSession;
import io.deem.perception.EncodedImages;
import io.deem.perception.NetworkPerceiver;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model written for ONNX Runtime alone. */
class OnnxExportTest {

  private static final OnnxEngine ENGINE = new OnnxEngine(1);
  private static final Image PICTURE = TinyDeem.picture(70, 50, 3);

  @TempDir Path folder;

  @Test
  void anExportedModelPerceivesWithoutTheLibrariesThatWroteIt() throws Exception {
    Path model = folder.resolve("model");
    Path exported = folder.resolve("new/exported");
    TinyDeem.write(model, TinyDeem.config(5));
    int blocks = OnnxExport.write(ENGINE, model, exported);
    try (Stream<Path> files = Files.list(exported.resolve("onnx"))) {
      assertEquals(blocks, files.count());
    }
    try (Stream<Path> files = Files.list(exported.getParent())) {
      assertEquals(List.of(exported), files.toList(), "drafts left behind");
    }
    String expected;
    try (ModelFolder opened = ModelFolder.open(model);
        OnnxSession session = ENGINE.open(opened.weights())) {
      expected = perceive(new NetworkPerceiver(session, opened, EncodedImages.NONE));
    }
    assertEquals(expected, perceiveElsewhere(exported));
    assertThrows(FileAlreadyExistsException.class, () -> OnnxExport.write(ENGINE, model, exported));
  }

  @Test
  void aFailedExportLeavesNothing() throws IOException {
    assertThrows(
        IOException.class,
        () -> OnnxExport.write(ENGINE, folder.resolve("none"), folder.resolve("out")));
    assertFalse(Files.exists(folder.resolve("out")));
    assertThrows(NoSuchFileException.class, () -> ENGINE.openExported(folder));
  }

  /** What a process perceives that has neither libtorch nor the protobuf classes. */
  private String perceiveElsewhere(Path exported) throws Exception {
    Path answer = folder.resolve("answer");
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.matches(".*(pytorch|protobuf|tribuo).*"))
            .collect(Collectors.joining(File.pathSeparator));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath,
                OnnxExportTest.class.getName(),
                exported.toString(),
                answer.toString())
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return Files.readString(answer);
  }

  /** Run by the test, in a process of its own. */
  public static void main(String[] arguments) throws Exception {
    for (String absent : List.of("ai.djl.pytorch.engine.PtEngine", "ai.onnx.proto.OnnxMl")) {
      assertThrows(ClassNotFoundException.class, () -> Class.forName(absent));
    }
    Path exported = Path.of(arguments[0]);
    try (ModelFolder opened = ModelFolder.open(exported);
        OnnxSession session = ENGINE.openExported(exported)) {
      String said = perceive(new NetworkPerceiver(session, opened, EncodedImages.NONE));
      Files.writeString(Path.of(arguments[1]), said);
    }
  }

  private static String perceive(NetworkPerceiver eyes) {
    String said =
        eyes.describe(PICTURE).text()
            + "|"
            + eyes.ask(PICTURE, "Is there a dog?").text()
            + "|"
            + eyes.choose(PICTURE, "What color is it?", List.of("red", "blue", "green"))
            + "|"
            + eyes.fidelity(PICTURE);
    Image redrawn = eyes.redraw(PICTURE, RedrawOptions.defaults().withSteps(2));
    assertTrue(redrawn.width() > 0);
    return said + "|" + redrawn.contentHash();
  }
}
