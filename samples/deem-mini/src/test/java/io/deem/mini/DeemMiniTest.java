package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeemMiniTest {

  private static final String BASE = "/io/deem/mini/fake-model/";

  private final Map<String, byte[]> resources = new HashMap<>();

  @TempDir Path temporary;

  @Test
  void unpacksItsResourcesBelowTheChosenFolder() throws IOException {
    String before = System.getProperty("deem.cache");
    System.setProperty("deem.cache", temporary.toString());
    try {
      Path folder = DeemMini.folder(BASE);
      assertEquals(temporary.toAbsolutePath(), folder.getParent());
      assertTrue(folder.getFileName().toString().matches("deem-mini-[0-9a-f]{16}"));
      assertEquals(Set.of("deem.json", "tokenizer.json"), names(folder));
      assertEquals("{\"name\": \"fake\"}\n", Files.readString(folder.resolve("deem.json")));
      assertEquals(folder, DeemMini.folder(BASE));
    } finally {
      if (before == null) {
        System.clearProperty("deem.cache");
      } else {
        System.setProperty("deem.cache", before);
      }
    }
  }

  @Test
  void looksInTheHomeFirstAndAmongTemporaryFilesLast() throws IOException {
    List<Path> caches = DeemMini.caches();
    assertEquals(Path.of(System.getProperty("user.home"), ".cache", "deem"), caches.get(0));
    assertEquals(Path.of(System.getProperty("java.io.tmpdir")), caches.get(1).getParent());
  }

  @Test
  void doesNotUnpackTwice() throws IOException {
    put("deem.json", "{}");
    Path folder = model().unpack(List.of(temporary));
    resources.remove("/deem.json");
    assertEquals(folder, model().unpack(List.of(temporary)));
  }

  @Test
  void otherContentGoesIntoAnotherFolder() throws IOException {
    put("deem.json", "{}");
    Path first = model().unpack(List.of(temporary));
    resources.clear();
    put("deem.json", "{ }");
    Path second = model().unpack(List.of(temporary));
    assertEquals("{}", Files.readString(first.resolve("deem.json")));
    assertEquals("{ }", Files.readString(second.resolve("deem.json")));
  }

  @Test
  void replacesWhatIsDamagedOrMissing() throws IOException {
    put("deem.json", "{}");
    put("model.safetensors", "weights");
    Path folder = model().unpack(List.of(temporary));
    Files.writeString(folder.resolve("model.safetensors"), "weighty");
    Files.delete(folder.resolve("deem.json"));
    assertEquals(folder, model().unpack(List.of(temporary)));
    assertEquals("weights", Files.readString(folder.resolve("model.safetensors")));
    assertEquals("{}", Files.readString(folder.resolve("deem.json")));
  }

  @Test
  void clearsAwayWhatADeadProcessLeft() throws IOException {
    put("deem.json", "{}");
    String name = model().unpack(List.of(temporary)).getFileName().toString();
    Files.delete(temporary.resolve(name).resolve("deem.json"));
    Path part = Files.createDirectory(temporary.resolve(name + ".part-dead"));
    Files.writeString(part.resolve("deem.json"), "{");
    model().unpack(List.of(temporary));
    assertEquals(Set.of(name, name + ".lock"), names(temporary));
  }

  @Test
  void goesOnToTheNextCacheWhereOneCannotBeMade() throws IOException {
    put("deem.json", "{}");
    Path file = Files.writeString(temporary.resolve("file"), "no folder");
    Path second = temporary.resolve("second");
    assertEquals(second, model().unpack(List.of(file.resolve("first"), second)).getParent());
    IOException error =
        assertThrows(IOException.class, () -> model().unpack(List.of(file.resolve("first"))));
    assertTrue(error.getMessage().contains(file.resolve("first").toString()), error.getMessage());
    assertTrue(error.getMessage().contains("deem.cache"), error.getMessage());
  }

  @Test
  void aModelThatIsThereIsFoundInAnyCache() throws IOException {
    put("deem.json", "{}");
    Path second = temporary.resolve("second");
    Path folder = model().unpack(List.of(second));
    assertEquals(folder, model().unpack(List.of(temporary.resolve("first"), second)));
    assertFalse(Files.exists(temporary.resolve("first")));
  }

  @Test
  void saysWhichResourceIsDamagedAndLeavesNothing() {
    put("deem.json", "{}");
    resources.put("/deem.json", "[]".getBytes(StandardCharsets.UTF_8));
    assertDamaged("/deem.json is damaged");
    resources.remove("/deem.json");
    assertDamaged("there is no resource /deem.json");
  }

  @Test
  void refusesAListThatItCannotTrust() throws IOException {
    for (String name : List.of("../deem.json", "a/b", ".hidden", "/etc/passwd", "")) {
      resources.put("/files.txt", ("0".repeat(64) + "  " + name).getBytes(StandardCharsets.UTF_8));
      assertDamaged("has a line '0000");
    }
    resources.put("/files.txt", new byte[0]);
    assertDamaged("lists no file");
    assertEquals(Set.of(), names(temporary));
  }

  @Test
  void saysThatThereIsNoModel() {
    IOException error =
        assertThrows(IOException.class, () -> DeemMini.folder("/io/deem/mini/no-model/"));
    assertEquals(
        "deem-mini has no model: there is no resource /io/deem/mini/no-model/files.txt;"
            + " it comes with the trained artifact",
        error.getMessage());
  }

  @Test
  void manyThreadsGetTheSameCompleteFolder() throws Exception {
    put("deem.json", "{}");
    put("model.safetensors", "weights".repeat(100_000));
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Path>> folders = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        folders.add(threads.submit(() -> model().unpack(List.of(temporary))));
      }
      for (Future<Path> folder : folders) {
        assertEquals(folders.get(0).get(), folder.get());
        assertEquals(700_000, Files.size(folder.get().resolve("model.safetensors")));
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private void assertDamaged(String expected) {
    IOException error = assertThrows(IOException.class, () -> model().unpack(List.of(temporary)));
    assertTrue(error.getMessage().contains(expected), error.getMessage());
    assertFalse(error.getMessage().contains("\n"), error.getMessage());
    Set<String> left = names(temporary);
    left.removeIf(name -> name.endsWith(".lock"));
    assertEquals(Set.of(), left);
  }

  private ModelResources model() {
    return new ModelResources(
        "/",
        name -> resources.containsKey(name) ? new ByteArrayInputStream(resources.get(name)) : null);
  }

  /** Adds a file and its line in the list. */
  private void put(String name, String content) {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    resources.put("/" + name, bytes);
    String list =
        new String(resources.getOrDefault("/files.txt", new byte[0]), StandardCharsets.UTF_8);
    resources.put(
        "/files.txt", (list + sha256(bytes) + "  " + name + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static Set<String> names(Path folder) {
    Set<String> names = new HashSet<>();
    String[] found = folder.toFile().list();
    names.addAll(List.of(found == null ? new String[0] : found));
    return names;
  }
}
