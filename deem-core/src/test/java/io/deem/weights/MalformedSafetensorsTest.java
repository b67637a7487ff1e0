package io.deem.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every way to break a safetensors header gives one clear line, and nothing else. */
class MalformedSafetensorsTest {
  @TempDir Path folder;

  static Stream<Arguments> headers() {
    String good = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
    return Stream.of(
        Arguments.of("not json", "{\"a\":", 0, "header's JSON ends too early"),
        Arguments.of("loose json", "{'a':1}", 0, "header is not valid JSON at line 1 column 3"),
        Arguments.of("no object", "[]", 0, "header is a JSON array, expected a JSON object"),
        Arguments.of("two objects", "{} {}", 0, "header is not valid JSON at line 1 column 5"),
        Arguments.of("only spaces", "        ", 0, "header's JSON ends too early"),
        Arguments.of(
            "duplicate name",
            "{\"a\":" + good + ",\"a\":" + good + "}",
            8,
            "tensor \"a\" is in the header twice"),
        Arguments.of(
            "overlap",
            "{\"a\":" + good + ",\"b\":" + good.replace("[0,8]", "[4,12]") + "}",
            12,
            "tensor \"b\" overlaps tensor \"a\""),
        Arguments.of(
            "gap",
            "{\"a\":" + good + ",\"b\":" + good.replace("[0,8]", "[12,20]") + "}",
            20,
            "tensor \"b\" leaves a gap of 4 bytes before it"),
        Arguments.of(
            "gap at the start",
            "{\"a\":" + good.replace("[0,8]", "[4,12]") + "}",
            12,
            "tensor \"a\" leaves a gap of 4 bytes before it"),
        Arguments.of(
            "bytes left over",
            "{\"a\":" + good + "}",
            11,
            "3 bytes after the last tensor belong to none"),
        Arguments.of(
            "cut short",
            "{\"a\":" + good + "}",
            7,
            "tensor \"a\" has data_offsets [0, 8], outside the data section of 7 bytes"
                + " (file cut short?)"),
        Arguments.of(
            "offsets reversed",
            "{\"a\":" + good.replace("[0,8]", "[8,0]") + "}",
            8,
            "tensor \"a\" has data_offsets [8, 0], outside the data section of 8 bytes"
                + " (file cut short?)"),
        Arguments.of(
            "offset beyond any file",
            "{\"a\":" + good.replace("[0,8]", "[0,9223372036854775807]") + "}",
            8,
            "tensor \"a\" has data_offsets [0, 9223372036854775807], outside the data section of 8"
                + " bytes (file cut short?)"),
        Arguments.of(
            "negative offset",
            "{\"a\":" + good.replace("[0,8]", "[-8,0]") + "}",
            8,
            "tensor \"a\" has \"-8\" in data_offsets"),
        Arguments.of(
            "offset too large to count",
            "{\"a\":" + good.replace("[0,8]", "[0,18446744073709551616]") + "}",
            8,
            "tensor \"a\" has \"18446744073709551616\" in data_offsets: too large"),
        Arguments.of(
            "one offset",
            "{\"a\":" + good.replace("[0,8]", "[8]") + "}",
            8,
            "tensor \"a\" has 1 data_offsets, expected 2"),
        Arguments.of(
            "three offsets",
            "{\"a\":" + good.replace("[0,8]", "[0,8,9]") + "}",
            8,
            "tensor \"a\" has more than 2 entries in data_offsets"),
        Arguments.of(
            "wrong length",
            "{\"a\":" + good.replace("[2]", "[3]") + "}",
            8,
            "tensor \"a\" is F32[3], 12 bytes, but its data_offsets [0, 8] hold 8"),
        Arguments.of(
            "negative shape",
            "{\"a\":" + good.replace("[2]", "[-2]") + "}",
            8,
            "tensor \"a\" has \"-2\" in shape"),
        Arguments.of(
            "fractional shape",
            "{\"a\":" + good.replace("[2]", "[2.0]") + "}",
            8,
            "tensor \"a\" has \"2.0\" in shape"),
        Arguments.of(
            "text in shape",
            "{\"a\":" + good.replace("[2]", "[\"2\"]") + "}",
            8,
            "entry of shape of tensor \"a\" is a JSON string, expected a JSON number"),
        Arguments.of(
            "overflowing shape",
            "{\"a\":" + good.replace("[2]", "[4611686018427387904,4]") + "}",
            8,
            "tensor \"a\" has shape [4611686018427387904, 4], whose size overflows"),
        Arguments.of(
            "overflow hidden by a zero",
            "{\"a\":"
                + good.replace("[2]", "[4611686018427387904,4,0]").replace("[0,8]", "[0,0]")
                + "}",
            0,
            "tensor \"a\" has shape [4611686018427387904, 4, 0], whose size overflows"),
        Arguments.of(
            "too many dimensions",
            "{\"a\":" + good.replace("[2]", "[2" + ",1".repeat(32) + "]") + "}",
            8,
            "tensor \"a\" has more than 32 entries in shape"),
        Arguments.of(
            "unknown dtype",
            "{\"a\":" + good.replace("F32", "F7") + "}",
            8,
            "tensor \"a\" has dtype \"F7\"; known are"
                + " [F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL]"),
        Arguments.of(
            "dtype null",
            "{\"a\":" + good.replace("\"F32\"", "null") + "}",
            8,
            "dtype of tensor \"a\" is null, expected a JSON string"),
        Arguments.of(
            "no dtype",
            "{\"a\":" + good.replace("\"dtype\":\"F32\",", "") + "}",
            8,
            "tensor \"a\" has no dtype"),
        Arguments.of(
            "no shape",
            "{\"a\":" + good.replace("\"shape\":[2],", "") + "}",
            8,
            "tensor \"a\" has no shape"),
        Arguments.of(
            "no offsets",
            "{\"a\":" + good.replace(",\"data_offsets\":[0,8]", "") + "}",
            8,
            "tensor \"a\" has no data_offsets"),
        Arguments.of(
            "field twice",
            "{\"a\":" + good.replace("\"shape\":[2]", "\"shape\":[2],\"shape\":[2]") + "}",
            8,
            "tensor \"a\" has shape twice"),
        Arguments.of(
            "unknown field",
            "{\"a\":" + good.replace("shape", "shade") + "}",
            8,
            "tensor \"a\" has the unknown field \"shade\""),
        Arguments.of(
            "tensor is a number",
            "{\"a\":3}",
            8,
            "tensor \"a\" is a JSON number, expected a JSON object"),
        Arguments.of(
            "metadata not text",
            "{\"__metadata__\":{\"k\":1}}",
            0,
            "__metadata__ entry \"k\" is a JSON number, expected a JSON string"),
        Arguments.of(
            "metadata twice",
            "{\"__metadata__\":{},\"__metadata__\":{}}",
            0,
            "header has __metadata__ twice"),
        Arguments.of(
            "line break in a name",
            "{\"a\\nb\":3}",
            0,
            "tensor \"a\\u000ab\" is a JSON number, expected a JSON object"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("headers")
  void refusesHeader(String name, String header, int dataBytes, String expected)
      throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    refuses(file(text.length, text, dataBytes), expected);
  }

  @Test
  void refusesHeaderLongerThanFile() throws IOException {
    refuses(
        file(1000, "{}".getBytes(StandardCharsets.UTF_8), 0),
        "header length 1000 is beyond the file's 10 bytes (cut short, or not safetensors)");
  }

  @Test
  void refusesNegativeHeaderLength() throws IOException {
    refuses(
        file(-1, "{}".getBytes(StandardCharsets.UTF_8), 0),
        "header length 18446744073709551615 is beyond the file's 10 bytes"
            + " (cut short, or not safetensors)");
  }

  @Test
  void refusesHeaderOverTheLimitWithoutReadingIt() throws IOException {
    Path path = file((100L << 20) + 1, new byte[0], 0);
    try (var sparse = new java.io.RandomAccessFile(path.toFile(), "rw")) {
      sparse.setLength(101L << 20);
    }
    refuses(path, "header length 104857601 is over the limit of 104857600");
  }

  @Test
  void refusesBytesThatAreNotUtf8() throws IOException {
    refuses(file(4, new byte[] {'{', '"', (byte) 0xff, '"'}, 0), "header is not UTF-8");
  }

  @Test
  void refusesFileShorterThanItsLengthField() throws IOException {
    Path path = folder.resolve("short.safetensors");
    Files.write(path, new byte[5]);
    refuses(path, "5 bytes is too short for a safetensors file");
    Files.write(path, new byte[0]);
    refuses(path, "0 bytes is too short for a safetensors file");
  }

  @Test
  void refusesEveryTruncationOfAGoodFile() throws IOException {
    Path path = folder.resolve("good.safetensors");
    new SafetensorsWriter()
        .metadata("k", "v")
        .floats("a", ElementType.F32, new long[] {3}, () -> new float[3])
        .longs("b", ElementType.U8, new long[] {2, 2}, () -> new long[4])
        .write(path);
    byte[] whole = Files.readAllBytes(path);
    Path cut = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      Files.write(cut, java.util.Arrays.copyOf(whole, length));
      MalformedWeightsException e =
          assertThrows(MalformedWeightsException.class, () -> SafetensorsFile.open(cut));
      assertOneLine(e);
    }
  }

  @Test
  void anyFlippedHeaderByteGivesAnErrorOrAReadableFile() throws IOException {
    Path path = folder.resolve("good.safetensors");
    new SafetensorsWriter()
        .floats("a", ElementType.F32, new long[] {3}, () -> new float[3])
        .longs("b", ElementType.I64, new long[] {2}, () -> new long[2])
        .write(path);
    byte[] whole = Files.readAllBytes(path);
    int refused = 0;
    for (int at = 0; at < whole.length - 28; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] flipped = whole.clone();
        flipped[at] ^= (byte) (1 << bit);
        Files.write(path, flipped);
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
          for (String name : file.names()) {
            assertEquals(file.info(name).length(), file.bytes(name).remaining());
          }
        } catch (MalformedWeightsException e) {
          assertOneLine(e);
          refused++;
        }
      }
    }
    assertTrue(refused > 300, "refused only " + refused);
  }

  @Test
  void missingFileAndFolderAreNamed() {
    Path nowhere = folder.resolve("none.safetensors");
    NoSuchFileException e =
        assertThrows(NoSuchFileException.class, () -> SafetensorsFile.open(nowhere));
    assertEquals(nowhere + ": no such file", e.getMessage());
    MalformedWeightsException folderError =
        assertThrows(MalformedWeightsException.class, () -> SafetensorsFile.open(folder));
    assertEquals(folder + ": is a folder, not a safetensors file", folderError.getMessage());
  }

  private Path file(long headerLength, byte[] header, int dataBytes) throws IOException {
    Path path = folder.resolve("bad.safetensors");
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(headerLength).put(header);
    Files.write(path, bytes.array());
    return path;
  }

  private static void refuses(Path path, String expected) {
    MalformedWeightsException e =
        assertThrows(MalformedWeightsException.class, () -> SafetensorsFile.open(path));
    assertEquals(path + ": " + expected, e.getMessage());
    assertOneLine(e);
  }

  private static void assertOneLine(Exception e) {
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }
}
