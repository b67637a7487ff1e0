package io.deem.runtime.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Unpacking, with a small archive in the place of the large one. */
class CudaLibraryTest {

  private static final String FOLDER = "pytorch/cu124/linux-x86_64/";
  private static final String JNI = "io/deem/runtime/gpu/native/libdjl_torch.so";

  @TempDir Path temp;

  private final Map<String, byte[]> entries = new LinkedHashMap<>();
  private Path cache;

  @BeforeEach
  void fill() {
    cache = temp.resolve("cache/pytorch");
    Random random = new Random(1);
    for (String name : new String[] {"libtorch.so", "libcudart-8774224f.so.12"}) {
      byte[] bytes = new byte[10_000];
      random.nextBytes(bytes);
      entries.put(FOLDER + name, bytes);
    }
    entries.put(JNI, new byte[] {1, 2, 3});
    properties("cu124", "libtorch.so,libcudart-8774224f.so.12");
  }

  private void properties(String flavor, String libraries) {
    String text = "version=2.5.1-20241113\nflavor=" + flavor + "\nlibraries=" + libraries + "\n";
    entries.put(
        "native/lib/pytorch.properties", text.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
  }

  private URLClassLoader loader() throws IOException {
    Path jar = Files.createTempFile(temp, "natives", ".jar");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    }
    return new URLClassLoader(new URL[] {jar.toUri().toURL()}, null);
  }

  private Path unpack() throws IOException {
    try (URLClassLoader loader = loader()) {
      return CudaLibrary.find(loader).unpack(cache);
    }
  }

  @Test
  void everyFileLiesInOneFolder() throws IOException {
    Path folder = unpack();
    assertEquals(cache.resolve("deem-2.5.1-20241113-cu124-linux-x86_64"), folder);
    assertArrayEquals(
        entries.get(FOLDER + "libtorch.so"), Files.readAllBytes(folder.resolve("libtorch.so")));
    assertArrayEquals(entries.get(JNI), Files.readAllBytes(folder.resolve("libdjl_torch.so")));
    try (var left = Files.list(cache)) {
      assertEquals(2, left.count(), "the folder and its lock");
    }
  }

  @Test
  void unpacksOnce() throws IOException {
    Path file = unpack().resolve("libtorch.so");
    var before = Files.getLastModifiedTime(file);
    Files.setLastModifiedTime(
        file, java.nio.file.attribute.FileTime.fromMillis(before.toMillis() - 100_000));
    var marked = Files.getLastModifiedTime(file);
    assertEquals(marked, Files.getLastModifiedTime(unpack().resolve("libtorch.so")));
  }

  @Test
  void unpacksAnewWhatIsNotWhole() throws IOException {
    Path file = unpack().resolve("libtorch.so");
    Files.write(file, new byte[5]);
    unpack();
    assertArrayEquals(entries.get(FOLDER + "libtorch.so"), Files.readAllBytes(file));
    Files.delete(file.resolveSibling("libdjl_torch.so"));
    unpack();
    assertTrue(Files.exists(file.resolveSibling("libdjl_torch.so")));
  }

  @Test
  void aFileThatIsMissingLeavesNothingBehind() throws IOException {
    entries.remove(FOLDER + "libtorch.so");
    IOException e = assertThrows(IOException.class, this::unpack);
    assertTrue(e.getMessage().contains(FOLDER + "libtorch.so: is missing in"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
    assertFalse(Files.exists(cache.resolve("deem-2.5.1-20241113-cu124-linux-x86_64")));
    try (var left = Files.list(cache)) {
      assertEquals(1, left.count(), "the lock");
    }
  }

  @Test
  void namesThatLeadElsewhereAreRefused() throws IOException {
    properties("cu124", "../libtorch.so");
    IOException e = assertThrows(IOException.class, this::unpack);
    assertTrue(e.getMessage().endsWith("does not list a libtorch"), e.getMessage());
  }

  @Test
  void theProcessorsLibraryIsNotTaken() throws IOException {
    properties("cpu", "libtorch.so");
    try (URLClassLoader loader = loader()) {
      assertNull(CudaLibrary.find(loader));
      // Whoever chose a folder by hand needs no artifact.
      if (ai.djl.util.Utils.getEnvOrSystemProperty("PYTORCH_LIBRARY_PATH") == null) {
        assertEquals(
            "libtorch for CUDA is not on the class path; add the dependency"
                + " ai.djl.pytorch:pytorch-native-cu124:2.5.1:linux-x86_64",
            CudaLibrary.missing(loader));
      }
    }
  }
}
