package io.deem.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written is read back, for every element type. */
class SafetensorsRoundTripTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void floatsComeBack(ElementType type) throws IOException {
    // All exactly representable in every one of the four types.
    float[] values = {0f, -0f, 1f, -1.5f, 0.15625f, 384f, Float.POSITIVE_INFINITY, Float.NaN};
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter().floats("x", type, new long[] {2, 4}, () -> values).write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertArrayEquals(values, file.floats("x"));
      assertArrayEquals(values, file.floats("x", 2, 4));
      assertEquals(type, file.info("x").type());
      assertEquals(8L * type.bytes(), file.info("x").length());
      assertEquals(8, file.info("x").elements());
      assertThrows(TensorMismatchException.class, () -> file.longs("x"));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"I64", "I32", "I16", "I8", "U8", "BOOL"})
  void integersComeBack(ElementType type) throws IOException {
    long[] values =
        switch (type) {
          case I64 -> new long[] {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE};
          case I32 -> new long[] {Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE};
          case I16 -> new long[] {Short.MIN_VALUE, -1, 0, Short.MAX_VALUE};
          case I8 -> new long[] {-128, -1, 0, 127};
          case U8 -> new long[] {0, 1, 128, 255};
          default -> new long[] {0, 1, 1, 0};
        };
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter().longs("x", type, new long[] {4}, () -> values).write(path);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertArrayEquals(values, file.longs("x"));
      assertThrows(TensorMismatchException.class, () -> file.floats("x"));
    }
    if (type != ElementType.I64) {
      SafetensorsWriter tooLarge =
          new SafetensorsWriter()
              .longs("x", type, new long[] {1}, () -> new long[] {Long.MAX_VALUE});
      assertThrows(IllegalArgumentException.class, () -> tooLarge.write(path));
    }
  }

  @Test
  void namesMetadataShapesAndAlignment() throws IOException {
    Path path = folder.resolve("x.safetensors");
    ByteBuffer raw = ByteBuffer.wrap(new byte[] {1, 2, 3});
    new SafetensorsWriter()
        .metadata("format", "pt")
        .metadata("note", "a \"quoted\" line\nand another, \u00e9\ud83d\ude00")
        .bytes("model.bytes \u00e9\"\\", ElementType.U8, new long[] {3}, () -> raw)
        .longs("scalar", ElementType.I64, new long[0], () -> new long[] {42})
        .floats("empty", ElementType.F32, new long[] {0, 7}, () -> new float[0])
        .floats("w", ElementType.F32, new long[] {1, 2}, () -> new float[] {1, 2})
        .write(path);
    assertEquals(3, raw.remaining());
    byte[] bytes = Files.readAllBytes(path);
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    assertEquals(0, header % 8);
    assertEquals('{', bytes[8]);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(
          Map.of("format", "pt", "note", "a \"quoted\" line\nand another, \u00e9\ud83d\ude00"),
          file.metadata());
      assertEquals(
          List.of("scalar", "empty", "w", "model.bytes \u00e9\"\\"), List.copyOf(file.names()));
      assertArrayEquals(new long[] {42}, file.longs("scalar"));
      assertArrayEquals(new long[0], file.info("scalar").shape());
      assertArrayEquals(new float[0], file.floats("empty", 0, 7));
      assertEquals(0, file.bytes("empty").remaining());
      ByteBuffer window = file.bytes("model.bytes \u00e9\"\\");
      assertTrue(window.isReadOnly() && window.isDirect());
      assertEquals(ByteOrder.LITTLE_ENDIAN, window.order());
      assertEquals(raw, window);
      for (String name : file.names()) {
        assertEquals(0, file.info(name).offset() % file.info(name).type().bytes(), name);
      }
    }
  }

  @Test
  void readsAcrossWindowsSmallerThanTheTensors() throws IOException {
    Path path = folder.resolve("x.safetensors");
    Random random = new Random(7);
    SafetensorsWriter writer = new SafetensorsWriter();
    float[][] values = new float[6][];
    int[] lengths = {1, 3, 500, 2, 0, 77};
    for (int i = 0; i < values.length; i++) {
      float[] value = new float[lengths[i]];
      for (int j = 0; j < value.length; j++) {
        value[j] = random.nextFloat();
      }
      values[i] = value;
      writer.floats("t" + i, ElementType.F32, new long[] {lengths[i]}, () -> value);
    }
    writer.longs("l", ElementType.I64, new long[] {40}, () -> new long[40]).write(path);
    for (long window : new long[] {8, 64, 400, 4096}) {
      try (SafetensorsFile file = SafetensorsFile.open(path, window)) {
        for (int i = 0; i < values.length; i++) {
          assertArrayEquals(values[i], file.floats("t" + i), "window " + window);
        }
        assertArrayEquals(new long[40], file.longs("l"));
        if (window < 2000) {
          assertThrows(TensorMismatchException.class, () -> file.bytes("t2"));
        } else {
          assertEquals(2000, file.bytes("t2").remaining());
        }
      }
    }
  }

  @Test
  void wrongRequestsNameFileAndTensor() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .floats("w", ElementType.F32, new long[] {2, 3}, () -> new float[6])
        .write(path);
    SafetensorsFile file = SafetensorsFile.open(path);
    assertMessage(path + ": no tensor \"v\" among its 1", () -> file.floats("v"));
    assertMessage(
        path + ": tensor \"w\" has shape [2, 3], expected [3, 2]", () -> file.require("w", 3, 2));
    assertMessage(path + ": tensor \"w\" (F32) does not hold integers", () -> file.longs("w"));
    ByteBuffer before = file.bytes("w");
    file.close();
    assertThrows(IllegalStateException.class, () -> file.floats("w"));
    assertEquals(0f, before.getFloat(0));
  }

  @Test
  void failedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Path path = folder.resolve("x.safetensors");
    new SafetensorsWriter()
        .floats("w", ElementType.F32, new long[] {1}, () -> new float[] {5})
        .write(path);
    SafetensorsWriter wrong =
        new SafetensorsWriter()
            .floats("w", ElementType.F32, new long[] {1}, () -> new float[] {6})
            .floats("v", ElementType.F32, new long[] {2}, () -> new float[3]);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> wrong.write(path));
    assertEquals("tensor \"v\" was given 3 values, its shape [2] needs 2", e.getMessage());
    try (SafetensorsFile file = SafetensorsFile.open(path);
        Stream<Path> left = Files.list(folder)) {
      assertArrayEquals(new float[] {5}, file.floats("w"));
      assertEquals(List.of(path), left.toList());
    }
  }

  @Test
  void replacingAnOpenFileLeavesItsReaderAlone() throws IOException {
    Path path = folder.resolve("x.safetensors");
    SafetensorsWriter writer =
        new SafetensorsWriter().floats("w", ElementType.F32, new long[] {1}, () -> new float[] {5});
    writer.write(path);
    try (SafetensorsFile old = SafetensorsFile.open(path)) {
      new SafetensorsWriter()
          .floats("w", ElementType.F32, new long[] {1}, () -> new float[] {6})
          .write(path);
      assertArrayEquals(new float[] {5}, old.floats("w"));
    }
    assertArrayEquals(new float[] {6}, SafetensorsFile.open(path).floats("w"));
  }

  @Test
  void copiesATensorOfAnotherFile() throws IOException {
    Path from = folder.resolve("from.safetensors");
    Path to = folder.resolve("to.safetensors");
    new SafetensorsWriter()
        .floats("w", ElementType.BF16, new long[] {3}, () -> new float[] {1, 2, 3})
        .write(from);
    try (SafetensorsFile source = SafetensorsFile.open(from)) {
      new SafetensorsWriter().copy("w", source).write(to);
      assertArrayEquals(Files.readAllBytes(from), Files.readAllBytes(to));
    }
  }

  private static void assertMessage(String expected, Runnable action) {
    assertEquals(expected, assertThrows(TensorMismatchException.class, action::run).getMessage());
  }
}
