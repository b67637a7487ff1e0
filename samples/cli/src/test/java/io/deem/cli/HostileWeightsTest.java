package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights that mean harm, given to the command: one line, exit code 1, and nothing written. */
class HostileWeightsTest {

  private static final String SAFETENSORS = "diffusion_pytorch_model.safetensors";
  private static final String PYTORCH = "diffusion_pytorch_model.bin";

  @TempDir static Path folder;
  private static TinyOriginals originals;
  private static Path vae;
  private static byte[] good;

  @BeforeAll
  static void checkpoints() throws IOException, URISyntaxException {
    originals = new TinyOriginals(folder);
    vae = folder.resolve("sd/vae");
    good = Files.readAllBytes(vae.resolve(SAFETENSORS));
  }

  /** Every test spoils the autoencoder's weights alone. */
  @BeforeEach
  void asTheyWere() throws IOException {
    for (String file : List.of(PYTORCH, SAFETENSORS + ".index.json", "../x.safetensors")) {
      Files.deleteIfExists(vae.resolve(file));
    }
    Files.write(vae.resolve(SAFETENSORS), good);
  }

  /** Runs the import, which must refuse a file, and returns its one line. */
  private String refused() throws IOException {
    List<Path> before = everything();
    StringWriter failed = new StringWriter();
    Object[] arguments = originals.importTo(folder.resolve("models/imported"));
    String[] texts = Arrays.stream(arguments).map(String::valueOf).toArray(String[]::new);
    int code =
        DeemCommand.run(
            new PrintWriter(new StringWriter(), true), new PrintWriter(failed, true), texts);
    String line = failed.toString();
    assertEquals(1, code, line);
    assertEquals(1, line.lines().count(), line);
    assertEquals(before, everything(), "something was written");
    return line;
  }

  private List<Path> everything() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.sorted().toList();
    }
  }

  // ---------------------------------------------------------------- pickles

  @ParameterizedTest
  @ValueSource(strings = {"os.system", "posix.system", "builtins.exec", "subprocess.Popen"})
  void aPickleThatRunsSomething(String name) throws IOException {
    int dot = name.lastIndexOf('.');
    pickle(
        String.format(
            "c%s\n%s\n(X\u0001\0\0\0atR", name.substring(0, dot), name.substring(dot + 1)));
    assertTrue(refused().contains("refers to \"" + name + "\""));
  }

  /** A name spelled by something that has no end when it is spelled out. */
  @Test
  void aPickleOfListsWithoutEnd() throws IOException {
    // A list of twice the list before it, forty times; then the last one as a module's name.
    StringBuilder doubled = new StringBuilder("]q\0");
    for (int i = 1; i <= 40; i++) {
      doubled.append("](h").append((char) (i - 1)).append('h').append((char) (i - 1));
      doubled.append("eq").append((char) i);
    }
    pickle(doubled + "h(h(\u0093"); // a parenthesis is the byte 40
    assertTrue(refused().contains("names something by what is not text"));
  }

  @Test
  void aPickleThatIsVeryDeep() throws IOException {
    // A list in a list, a hundred thousand times, and a name spelled by it.
    int depth = 100_000;
    pickle("]".repeat(depth) + "a".repeat(depth - 1) + "2\u0093");
    assertTrue(refused().contains("names something by what is not text"));
    pickle("]".repeat(depth) + "a".repeat(depth - 1));
    assertTrue(refused().contains("holds no dictionary of tensors"));
  }

  /** A long list, made into a dictionary over and over. */
  @Test
  void aPickleThatRepeatsWhatIsLarge() throws IOException {
    StringBuilder pairs = new StringBuilder("ccollections\nOrderedDict\nq\0](");
    for (int i = 0; i < 10_000; i++) {
      pairs.append('M').append((char) (i & 0xff)).append((char) (i >> 8)).append("N\u0086");
    }
    pickle(pairs + "e\u0085q\u0001" + "h\0h\u0001R".repeat(10_000));
    assertTrue(refused().contains("makes more than"));
  }

  @Test
  void aTensorThatLeavesItsStorage() throws IOException {
    String tensor =
        "(X\u0001\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\u0007\0\0\0storage"
            + "ctorch\nFloatStorage\nX\u0001\0\0\0"
            + "0X\u0003\0\0\0cpuK\u0004tQK%s"
            + "(J%sK\u0001t(J%sK\u0001t\u0089}tRu";
    String one = "\u0001\0\0\0";
    String huge = "\u00ff\u00ff\u00ff\u007f";
    pickle("}" + String.format(tensor, "\u0004", one, one));
    assertTrue(refused().contains("leaves its storage"));
    pickle("}" + String.format(tensor, "\0", huge, huge));
    assertTrue(refused().contains("leaves its storage") || refused().contains("larger than"));
    pickle("}" + String.format(tensor, "\0", huge, "\0\0\0\0"));
    assertTrue(refused().contains("leaves its storage"));
  }

  // ---------------------------------------------------------------- archives

  @ParameterizedTest
  @ValueSource(strings = {"../evil", "/etc/evil", "archive/../../evil", "C:evil", "a\\..\\evil"})
  void anArchiveThatLeadsOut(String entry) throws IOException {
    Files.write(
        pytorch(), TorchArchive.zip("archive/data.pkl", dictionary(), entry, new byte[] {1}));
    assertTrue(refused().contains("leads out of the archive"));
  }

  @Test
  void anArchiveThatIsABomb() throws IOException {
    try (OutputStream out = Files.newOutputStream(pytorch());
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("archive/data.pkl"));
      for (int i = 0; i < 64; i++) {
        zip.write(new byte[1 << 20]);
      }
      zip.closeEntry();
    }
    assertTrue(refused().contains("is compressed"));
  }

  /** Two entries of the table that say to lie in one place. */
  @Test
  void anArchiveWhoseEntriesOverlap() throws IOException {
    byte[] bytes =
        TorchArchive.zip("archive/data.pkl", dictionary(), "archive/data/0", new byte[1 << 10]);
    ByteBuffer zip = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int first = central(bytes, "archive/data.pkl");
    int second = central(bytes, "archive/data/0");
    zip.putInt(first + 42, zip.getInt(second + 42));
    Files.write(pytorch(), bytes);
    assertTrue(refused().contains("overlaps another"));
  }

  @Test
  void anArchiveOfAbsurdSizes() throws IOException {
    byte[] bytes = TorchArchive.zip("archive/data.pkl", dictionary());
    ByteBuffer zip = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int entry = central(bytes, "archive/data.pkl");
    zip.putInt(entry + 20, 0x7fffffff);
    zip.putInt(entry + 24, 0x7fffffff);
    Files.write(pytorch(), bytes);
    assertTrue(refused().contains("leaves the file"));
    zip.putInt(bytes.length - 10, 0x7fffffff); // the length of the table
    Files.write(pytorch(), bytes);
    assertTrue(refused().contains("leaves the file"));
  }

  @Test
  void filesThatEndTooEarly() throws IOException {
    byte[] whole =
        TorchArchive.zip("archive/data.pkl", dictionary(), "archive/data/0", new byte[1 << 10]);
    Files.write(pytorch(), Arrays.copyOf(whole, whole.length / 2));
    assertTrue(refused().contains("is not a whole ZIP file"));
    Files.delete(vae.resolve(PYTORCH));
    byte[] tensors = Files.readAllBytes(folder.resolve("sd/unet").resolve(SAFETENSORS));
    Files.write(vae.resolve(SAFETENSORS), Arrays.copyOf(tensors, tensors.length - 1));
    refused();
    Files.write(vae.resolve(SAFETENSORS), Arrays.copyOf(tensors, 100));
    refused();
  }

  // ---------------------------------------------------------------- safetensors and indexes

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'a':{'dtype':'F32','shape':[1152921504606846976],'data_offsets':[0,4]}}",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,4]}}",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,9223372036854775807]}}",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
            + "'b':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[4,0]}}",
        "{'a':",
        "[[[[[[[["
      })
  void aHeaderThatLies(String header) throws IOException {
    Files.write(vae.resolve(SAFETENSORS), safetensors(header.replace('\'', '"'), 4));
    refused();
  }

  @Test
  void aHeaderThatIsVeryDeepOrLong() throws IOException {
    Files.write(vae.resolve(SAFETENSORS), safetensors("{\"a\":" + "[".repeat(500_000), 4));
    refused();
    ByteBuffer length = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 60);
    Files.write(vae.resolve(SAFETENSORS), length.array());
    refused();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"missing.safetensors", "../x.safetensors", "/x.safetensors", "..\\x.safetensors"})
  void anIndexThatNamesNoShard(String shard) throws IOException {
    Files.copy(vae.resolve(SAFETENSORS), vae.resolve("../x.safetensors"));
    Files.delete(vae.resolve(SAFETENSORS));
    Files.writeString(
        vae.resolve(SAFETENSORS + ".index.json"),
        "{\"weight_map\": {\"decoder.conv_in.bias\": \"" + shard.replace("\\", "\\\\") + "\"}}");
    String line = refused();
    assertTrue(line.contains("is missing") || line.contains("is not a plain"), line);
  }

  // ---------------------------------------------------------------- files

  /** Where a PyTorch file is read in place of the good one, which goes. */
  private Path pytorch() throws IOException {
    Files.deleteIfExists(vae.resolve(SAFETENSORS));
    return vae.resolve(PYTORCH);
  }

  /** A file whose pickle is these opcodes, each character a byte. */
  private void pickle(String opcodes) throws IOException {
    byte[] bytes = ("\u0080\u0002" + opcodes + ".").getBytes(StandardCharsets.ISO_8859_1);
    Files.write(
        pytorch(), TorchArchive.zip("archive/data.pkl", bytes, "archive/data/0", new byte[16]));
  }

  private static byte[] dictionary() {
    return "\u0080\u0002}.".getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Where the table of an archive has an entry. */
  private static int central(byte[] zip, String name) {
    ByteBuffer bytes = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < zip.length - 46; i++) {
      if (bytes.getInt(i) == 0x02014b50
          && new String(zip, i + 46, bytes.getShort(i + 28), StandardCharsets.UTF_8).equals(name)) {
        return i;
      }
    }
    throw new AssertionError(name);
  }

  private static byte[] safetensors(String header, int data) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + text.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }
}
