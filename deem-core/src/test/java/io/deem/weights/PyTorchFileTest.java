package io.deem.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PyTorch's files: read right where they are harmless, refused in one line where they are not. */
class PyTorchFileTest {

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void place() {
    file = folder.resolve("pytorch_model.bin");
  }

  @ParameterizedTest
  @ValueSource(strings = {"archive/", "pytorch_model/", ""})
  void readsWhatTorchSaves(String prefix) throws IOException {
    new PyTorchWriter()
        .floats("a.weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
        .floats("scalar", new float[] {7})
        .view("half", "HalfStorage", shorts(0x3c00, 0xc000), 2, 0, longs(2), longs(1))
        .view("brain", "BFloat16Storage", shorts(0x3f80, 0x4000), 2, 1, longs(1), longs(1))
        .view("ids", "LongStorage", int64(5, -6), 2, 0, longs(2), longs(1))
        .write(file, prefix);
    try (PyTorchFile weights = PyTorchFile.open(file)) {
      assertEquals(
          List.of("a.weight", "scalar", "half", "brain", "ids"), List.copyOf(weights.names()));
      assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, weights.floats("a.weight", 2, 3));
      assertArrayEquals(new float[] {7}, weights.floats("scalar"));
      assertArrayEquals(new float[] {1, -2}, weights.floats("half"));
      assertArrayEquals(new float[] {2}, weights.floats("brain"));
      assertArrayEquals(new long[] {5, -6}, weights.longs("ids"));
      assertEquals(ElementType.BF16, weights.info("brain").type());
      assertEquals(2f, weights.bytes("a.weight").getFloat(4));
      assertThrows(TensorMismatchException.class, () -> weights.floats("ids"));
      assertThrows(TensorMismatchException.class, () -> weights.floats("b"));
    }
  }

  @Test
  void readsNothingOnceClosed() throws IOException {
    new PyTorchWriter().floats("a", new float[] {1}, 1).write(file, "archive/");
    PyTorchFile closed;
    try (PyTorchFile weights = PyTorchFile.open(file)) {
      closed = weights;
    }
    assertThrows(IllegalStateException.class, () -> closed.floats("a"));
  }

  @Test
  void readsViewsByTheirStrides() throws IOException {
    byte[] six = float32(1, 2, 3, 4, 5, 6);
    new PyTorchWriter()
        .view("transposed", "FloatStorage", six, 6, 0, longs(3, 2), longs(1, 3))
        .view("column", "FloatStorage", six, 6, 1, longs(2), longs(3))
        .view("empty", "FloatStorage", six, 6, 0, longs(0, 4), longs(4, 1))
        .view("repeated", "FloatStorage", six, 6, 2, longs(2, 2), longs(0, 1))
        .write(file, "archive/");
    try (PyTorchFile weights = PyTorchFile.open(file)) {
      assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, weights.floats("transposed", 3, 2));
      assertArrayEquals(new float[] {2, 5}, weights.floats("column"));
      assertArrayEquals(new float[0], weights.floats("empty", 0, 4));
      assertArrayEquals(new float[] {3, 4, 3, 4}, weights.floats("repeated"));
      assertEquals(4f, weights.bytes("transposed").getFloat(4));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "posix, system",
    "builtins, eval",
    "torch.storage, _load_from_bytes",
    "collections, Counter"
  })
  void refusesEverythingElseByName(String module, String name) throws IOException {
    Path touched = folder.resolve("touched");
    new PyTorchWriter()
        .floats("a", new float[] {1}, 1)
        .call("b", module, name, "touch " + touched)
        .write(file, "archive/");
    assertEquals(
        file
            + ": refers to \""
            + module
            + "."
            + name
            + "\"; only tensors and plain containers are read",
        refused());
    assertFalse(Files.exists(touched));
  }

  @Test
  void refusesANameOfALaterProtocol() throws IOException {
    byte[] pickle =
        "\u0080\u0004\u008c\u0002os\u008c\u0006system\u0093.".getBytes(StandardCharsets.ISO_8859_1);
    zip("archive/data.pkl", pickle);
    assertTrue(refused().contains("refers to \"os.system\""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "/etc/evil", "archive/../../evil", "c:\\evil"})
  void refusesEntriesThatLeadOut(String name) throws IOException {
    new PyTorchWriter().floats("a", new float[] {1}, 1).entry(name).write(file, "archive/");
    assertTrue(refused().endsWith("leads out of the archive"), refused());
  }

  @Test
  void refusesACompressedBomb() throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("archive/data.pkl"));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        zip.write(zeros);
      }
      zip.closeEntry();
    }
    assertTrue(Files.size(file) < 1 << 17);
    String line = refused();
    assertTrue(line.contains("\"archive/data.pkl\" is compressed"), line);
    assertTrue(line.contains("67108864"), line);
  }

  /** Entries that share one range are how a stored ZIP file could be a bomb. */
  @Test
  void refusesEntriesThatOverlap() throws IOException {
    new PyTorchWriter()
        .floats("a", new float[] {1}, 1)
        .floats("b", new float[] {2}, 1)
        .write(file, "archive/");
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer zip = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int second = -1;
    int first = -1;
    for (int i = 0; i < bytes.length - 4; i++) {
      if (zip.getInt(i) == 0x02014b50) {
        int length = zip.getShort(i + 28);
        String name = new String(bytes, i + 46, length, StandardCharsets.UTF_8);
        first = name.equals("archive/data/0") ? i : first;
        second = name.equals("archive/data/1") ? i : second;
      }
    }
    zip.putInt(second + 42, zip.getInt(first + 42));
    Files.write(file, bytes);
    assertTrue(refused().contains("overlaps another"), refused());
  }

  @Test
  void refusesTensorsThatLeaveTheirStorage() throws IOException {
    byte[] six = float32(1, 2, 3, 4, 5, 6);
    long huge = 1L << 62;
    long[][] views = {
      {6, 1, 6, 1}, // one too far
      {6, -1, 2, 1},
      {6, 0, 4, 2},
      {6, 0, -2, 1},
      {6, 0, 2, -1},
      {6, 0, huge, huge},
      {6, 0, 1L << 40, 0}, // a terabyte that is one number
      {7, 0, 7, 1}, // more than the storage's entry holds
      {huge, 0, huge, 1},
    };
    for (long[] view : views) {
      new PyTorchWriter()
          .view("a", "FloatStorage", six, view[0], view[1], longs(view[2]), longs(view[3]))
          .write(file, "archive/");
      String line = refused();
      assertTrue(line.startsWith(file + ": tensor \"a\" "), line);
    }
  }

  @Test
  void refusesWhatIsNoSuchFile() throws IOException {
    Files.write(file, new byte[0]);
    assertTrue(refused().contains("is not a whole ZIP file"));
    Files.writeString(file, "no weights here, but longer than the end of a ZIP file");
    assertTrue(refused().contains("is not a whole ZIP file"));
    zip("archive/other", new byte[] {1});
    assertTrue(refused().contains("without PyTorch's data.pkl"));
    zip("archive/data.pkl", new byte[] {1, 2, 3});
    assertTrue(refused().contains("is not a pickle"));
    zip("archive/data.pkl", "\u0080\u0002]".getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(refused().endsWith("ends too early"));
    zip("archive/data.pkl", "\u0080\u0002].".getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(refused().endsWith("holds no dictionary of tensors"));
    Files.delete(file);
    assertThrows(NoSuchFileException.class, () -> PyTorchFile.open(file));
  }

  /** Whatever byte is wrong: a tensor or one line, never another failure. */
  @Test
  void survivesEveryWrongByte() throws IOException {
    new PyTorchWriter().floats("a", new float[] {1, 2}, 2).write(file, "a/");
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i++) {
      byte[] wrong = whole.clone();
      wrong[i] ^= (byte) 0xa5;
      Files.write(file, wrong);
      try (PyTorchFile weights = PyTorchFile.open(file)) {
        for (String name : weights.names()) {
          weights.bytes(name);
        }
      } catch (IOException e) {
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
      }
    }
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, java.util.Arrays.copyOf(whole, length));
      assertThrows(IOException.class, () -> PyTorchFile.open(file));
    }
  }

  @Test
  void readsShardsByTheirIndex() throws IOException {
    new PyTorchWriter().floats("a", new float[] {1}, 1).write(folder.resolve("x.bin"), "archive/");
    new PyTorchWriter().floats("b", new float[] {2}, 1).write(folder.resolve("y.bin"), "archive/");
    Path index = folder.resolve("pytorch_model.bin.index.json");
    Files.writeString(index, "{\"weight_map\":{\"a\":\"x.bin\",\"b\":\"y.bin\"}}");
    try (ModelWeights weights =
        ModelWeights.open(folder, List.of("pytorch_model.bin", "pytorch_model.bin.index.json"))) {
      assertEquals(Set.of("a", "b"), weights.names());
      assertArrayEquals(new float[] {2}, weights.floats("b"));
    }
    for (String shard : List.of("missing.bin", "../x.bin", "/x.bin", "x.safetensors")) {
      Files.writeString(index, "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
      IOException e = assertThrows(IOException.class, () -> ModelWeights.open(index));
      assertTrue(e.getMessage().contains(shard), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  private String refused() {
    MalformedWeightsException e =
        assertThrows(MalformedWeightsException.class, () -> PyTorchFile.open(file));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    return e.getMessage();
  }

  private void zip(String entry, byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      PyTorchWriter.store(zip, entry, content);
    }
    Files.write(file, bytes.toByteArray());
  }

  private static long[] longs(long... values) {
    return values;
  }

  private static byte[] shorts(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      bytes.putShort((short) value);
    }
    return bytes.array();
  }

  private static byte[] int64(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return bytes.array();
  }

  private static byte[] float32(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }
}
