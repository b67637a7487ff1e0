package io.deem.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.weights.pickle.MalformedPickleException;
import io.deem.weights.pickle.Unpickler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Good files with random damage, the same in every run: what comes of it is tensors or a declared
 * exception of one line, never another failure.
 */
class DamagedWeightsTest {

  private static final int FILES = 2_000;
  private static final int PICKLES = 40_000;

  @TempDir Path folder;
  private PyTorchWriter writer;

  @BeforeEach
  void tensors() {
    writer =
        new PyTorchWriter()
            .floats("a.weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
            .floats("scalar", new float[] {7})
            .view("half", "HalfStorage", new byte[8], 4, 1, new long[] {3}, new long[] {1})
            .view("ids", "LongStorage", new byte[16], 2, 0, new long[] {2}, new long[] {1});
  }

  @Test
  void damagedPickles() {
    byte[] whole = writer.pickle();
    Random random = new Random(1);
    int read = 0;
    for (int i = 0; i < PICKLES; i++) {
      try {
        Unpickler.read("pickle", ByteBuffer.wrap(damaged(whole, random)));
        read++;
      } catch (MalformedPickleException e) {
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
      }
    }
    assertTrue(read > 0 && read < PICKLES, "of " + PICKLES + " were read " + read);
  }

  @Test
  void damagedPyTorchFiles() throws IOException {
    Path file = folder.resolve("pytorch_model.bin");
    writer.write(file, "archive/");
    damage(file, new Random(2));
  }

  @Test
  void damagedSafetensorsFiles() throws IOException {
    Path file = folder.resolve("model.safetensors");
    new SafetensorsWriter()
        .metadata("format", "pt")
        .floats("a", ElementType.F32, new long[] {2, 3}, () -> new float[6])
        .floats("b", ElementType.BF16, new long[] {4}, () -> new float[4])
        .longs("c", ElementType.I64, new long[] {2}, () -> new long[2])
        .write(file);
    damage(file, new Random(3));
  }

  @Test
  void damagedIndexes() throws IOException {
    writer.write(folder.resolve("x.bin"), "archive/");
    Path index = folder.resolve("pytorch_model.bin.index.json");
    Files.writeString(
        index,
        "{\"metadata\":{\"total_size\":24},\"weight_map\":{\"a.weight\":\"x.bin\","
            + "\"scalar\":\"x.bin\"}}",
        StandardCharsets.UTF_8);
    damage(index, new Random(4));
  }

  /** Damages a file again and again, and reads everything that it then seems to hold. */
  private void damage(Path file, Random random) throws IOException {
    byte[] whole = Files.readAllBytes(file);
    int read = 0;
    for (int i = 0; i < FILES; i++) {
      Files.write(file, damaged(whole, random));
      try (ModelWeights weights = ModelWeights.open(file)) {
        for (String name : weights.names()) {
          readAll(weights, name);
        }
        read++;
      } catch (IOException e) {
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
      }
    }
    assertTrue(read > 0 && read < FILES, "of " + FILES + " were read " + read);
  }

  private static void readAll(TensorSource weights, String name) {
    TensorInfo info = weights.info(name);
    assertEquals(info.length(), weights.bytes(name).remaining());
    int length =
        info.type().isFloating() ? weights.floats(name).length : weights.longs(name).length;
    assertEquals(info.elements(), length);
  }

  /** A few bytes changed, or some left out, or some twice. */
  private static byte[] damaged(byte[] whole, Random random) {
    byte[] bytes = whole.clone();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
    }
    return switch (random.nextInt(8)) {
      case 0 -> Arrays.copyOf(bytes, random.nextInt(bytes.length));
      case 1 -> {
        int from = random.nextInt(bytes.length);
        int end = from + random.nextInt(bytes.length - from);
        byte[] repeated = Arrays.copyOf(bytes, bytes.length + end - from);
        System.arraycopy(bytes, from, repeated, end, bytes.length - from);
        yield repeated;
      }
      default -> bytes;
    };
  }
}
