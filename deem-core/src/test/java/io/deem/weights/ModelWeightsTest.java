package io.deem.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model folder with one file or with shards. */
class ModelWeightsTest {
  @TempDir Path parent;
  private Path folder;

  @BeforeEach
  void shards() throws IOException {
    folder = Files.createDirectory(parent.resolve("model"));
    write(folder.resolve("one.safetensors"), "a", 1);
    write(folder.resolve("two.safetensors"), "b", 2);
    write(parent.resolve("outside.safetensors"), "c", 3);
  }

  @Test
  void readsShards() throws IOException {
    index(
        "{\"metadata\":{\"total_size\":8},\"weight_map\":"
            + "{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\"}}");
    try (ModelWeights weights = ModelWeights.open(folder)) {
      assertEquals(List.of("b", "a"), List.copyOf(weights.names()));
      assertArrayEquals(new float[] {1}, weights.floats("a"));
      assertArrayEquals(new float[] {2}, weights.floats("b", 1));
      assertEquals(folder.resolve("two.safetensors").toString(), weights.origin("b"));
      TensorMismatchException e =
          assertThrows(TensorMismatchException.class, () -> weights.floats("c"));
      assertEquals(
          folder.resolve(ModelWeights.INDEX_FILE) + ": no tensor \"c\" among its 2",
          e.getMessage());
    }
  }

  @Test
  void readsOneFileByFolderAndByName() throws IOException {
    Path file = folder.resolve(ModelWeights.SINGLE_FILE);
    write(file, "x", 9);
    for (Path path : List.of(folder, file)) {
      try (ModelWeights weights = ModelWeights.open(path)) {
        assertArrayEquals(new float[] {9}, weights.floats("x"));
        assertEquals(file.toString(), weights.origin());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside.safetensors",
        "..\\\\outside.safetensors",
        "/etc/outside.safetensors",
        "C:outside.safetensors",
        "sub/one.safetensors",
        "one.bin",
        "",
        "o\\u0000ne.safetensors"
      })
  void refusesShardNamesThatLeadElsewhere(String shard) throws IOException {
    index("{\"weight_map\":{\"c\":\"" + shard + "\"}}");
    MalformedWeightsException e =
        assertThrows(MalformedWeightsException.class, () -> ModelWeights.open(folder));
    assertEquals(1, e.getMessage().lines().count());
    assertEquals(true, e.getMessage().endsWith("which is not a plain .safetensors file name"));
  }

  @Test
  void namesMissingShardAndMissingTensor() throws IOException {
    Path index = index("{\"weight_map\":{\"a\":\"three.safetensors\"}}");
    NoSuchFileException missing =
        assertThrows(NoSuchFileException.class, () -> ModelWeights.open(folder));
    assertEquals(index + ": shard \"three.safetensors\" is missing", missing.getMessage());
    index("{\"weight_map\":{\"a\":\"two.safetensors\"}}");
    assertMalformed(index + ": tensor \"a\" is not in its shard \"two.safetensors\"");
  }

  @Test
  void refusesMalformedIndexes() throws IOException {
    Path index = index("{\"weight_map\":{\"a\":\"one.safetensors\",\"a\":\"one.safetensors\"}}");
    assertMalformed(index + ": tensor \"a\" is listed twice");
    index("{\"weight_map\":{\"a\":7}}");
    assertMalformed(index + ": the shard of tensor \"a\" is not a JSON string");
    index("{\"weight_map\":[]}");
    assertMalformed(index + ": weight_map is not a JSON object");
    index("{}");
    assertMalformed(index + ": has no weight_map");
    index("[");
    assertMalformed(index + ": the index is not a JSON object");
    index("{\"weight_map\":{");
    assertMalformed(index + ": its JSON ends too early");
    index("{} {}");
    assertMalformed(index + ": is not valid JSON at line 1 column 5");
    index("{weight_map:{}}");
    assertMalformed(index + ": is not valid JSON at line 1 column 3");
    index("{\"metadata\":" + "[".repeat(100000) + "}");
    assertThrows(MalformedWeightsException.class, () -> ModelWeights.open(folder));
    Files.write(index, new byte[] {'{', '"', (byte) 0xc3, '"'});
    assertMalformed(index + ": is not UTF-8");
  }

  @Test
  void emptyFolderIsNamed() throws IOException {
    Path empty = Files.createDirectory(parent.resolve("empty"));
    NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> ModelWeights.open(empty));
    assertEquals(
        empty + ": holds neither model.safetensors nor model.safetensors.index.json",
        e.getMessage());
  }

  private void assertMalformed(String expected) {
    assertEquals(
        expected,
        assertThrows(MalformedWeightsException.class, () -> ModelWeights.open(folder))
            .getMessage());
  }

  private Path index(String json) throws IOException {
    return Files.writeString(folder.resolve(ModelWeights.INDEX_FILE), json);
  }

  private static void write(Path path, String name, float value) throws IOException {
    new SafetensorsWriter()
        .floats(name, ElementType.F32, new long[] {1}, () -> new float[] {value})
        .write(path);
  }
}
