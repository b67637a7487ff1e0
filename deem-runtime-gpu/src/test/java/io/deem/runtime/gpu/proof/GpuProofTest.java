package io.deem.runtime.gpu.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.deem.model.FullSize;
import io.deem.runtime.gpu.Libtorch;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * All fixtures through every script that a GPU would run, on the processor, in 32 bits against the
 * reference's numbers and in both precisions from the proof's files alone.
 */
@ExtendWith(Libtorch.class)
class GpuProofTest {

  /** The module that trains has the fixtures. */
  private static final Path FIXTURES = Path.of("../deem-training/src/test/resources/fixtures");

  private static final long LARGEST = 40_000_000;

  @TempDir static Path temp;

  private static Path proof;
  private static List<String> written;

  @BeforeAll
  static void write() throws IOException {
    proof = temp.resolve("proof");
    written = new ArrayList<>();
    GpuProof.write(proof, fixtures(), FullSize.architecture(), written::add);
  }

  /** All; on libtorch for processors without the one that takes as long as all others together. */
  private static List<Path> fixtures() throws IOException {
    boolean all = Libtorch.forCuda();
    try (Stream<Path> folders = Files.list(FIXTURES)) {
      // Scores of texts run no network.
      return folders
          .filter(folder -> !folder.endsWith("metrics") && (all || !folder.endsWith("tta")))
          .sorted()
          .toList();
    }
  }

  @Test
  void holdsEveryFixtureAndTheFullSizeInOneSmallFolder() throws IOException {
    for (Path fixture : fixtures()) {
      String name = fixture.getFileName() + ": ";
      assertTrue(written.stream().anyMatch(line -> line.startsWith(name)), name);
      assertFalse(written.contains(name + "0 steps"), name);
    }
    for (String name : List.of("decode", "prefill", "encode", "unet", "train")) {
      assertTrue(written.stream().anyMatch(line -> line.startsWith(name + " at full size")), name);
    }
    long bytes = 0;
    try (Stream<Path> files = Files.list(proof)) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    assertTrue(bytes < LARGEST, bytes + " bytes");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void itsFilesAloneReproduceIt(boolean low) throws IOException {
    List<String> lines = new ArrayList<>();
    boolean ok = ProofReplay.run(proof, low, lines::add);
    List<String> failed = lines.stream().filter(line -> line.endsWith("FAIL")).toList();
    assertTrue(ok, String.join("\n", failed));
    assertTrue(lines.size() > 1000, "only " + lines.size() + " results");
  }

  @Test
  void aWrongNumberFails() throws IOException {
    Path small = temp.resolve("small");
    GpuProof.write(
        small, List.of(FIXTURES.resolve("clip_text")), FullSize.architecture(), line -> {});
    assertTrue(ProofReplay.run(small, false, line -> {}));
    Path tensors = small.resolve(ProofStore.TENSORS);
    Path changed = temp.resolve("changed.safetensors");
    try (SafetensorsFile from = SafetensorsFile.open(tensors)) {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (String name : from.names()) {
        if (from.info(name).type() == ElementType.F32) {
          float[] values = from.floats(name);
          for (int i = 0; i < values.length; i++) {
            values[i] *= i % 2 == 0 ? 1.01f : 1;
          }
          writer.floats(name, ElementType.F32, from.info(name).shape(), () -> values);
        } else {
          writer.copy(name, from);
        }
      }
      writer.write(changed);
    }
    Files.move(changed, tensors, StandardCopyOption.REPLACE_EXISTING);
    assertFalse(ProofReplay.run(small, false, line -> {}));
  }

  @Test
  void aFolderWithFilesIsLeftAlone() {
    IOException e =
        assertThrows(
            IOException.class,
            () -> GpuProof.write(proof, List.of(), FullSize.architecture(), line -> {}));
    assertEquals(proof + ": is not empty", e.getMessage());
  }

  @Test
  void theRunnerIsPython() throws IOException, InterruptedException {
    Path runner = proof.resolve(GpuProof.RUNNER);
    Process python;
    try {
      python =
          new ProcessBuilder(
                  "python3",
                  "-c",
                  "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read())",
                  runner.toString())
              .redirectErrorStream(true)
              .redirectOutput(temp.resolve("python.txt").toFile())
              .start();
    } catch (IOException e) {
      assumeTrue(false, "there is no python3");
      return;
    }
    assertTrue(python.waitFor(1, TimeUnit.MINUTES));
    assertEquals(0, python.exitValue(), Files.readString(temp.resolve("python.txt")));
  }
}
