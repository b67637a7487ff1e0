package io.deem.portable;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything here does what Java 17 does. */
class PortableTest {

  @Test
  void stripsAsJavaDoes() {
    for (String text :
        List.of(
            "",
            " ",
            "\u2003a b\t\n",
            "a",
            "\u00a0a\u00a0",
            "\u3000",
            " \ud83d\ude00 ",
            "\u001fx")) {
      assertEquals(text.strip(), Whitespace.strip(text));
      assertEquals(text.stripLeading(), Whitespace.stripLeading(text));
      assertEquals(text.stripTrailing(), Whitespace.stripTrailing(text));
      assertEquals(text.isBlank(), Whitespace.isBlank(text));
    }
  }

  @Test
  void multipliesAndAddsAsJavaDoes() {
    Random random = new Random(5);
    for (int i = 0; i < 200_000; i++) {
      float a = Float.intBitsToFloat(random.nextInt());
      float b = Float.intBitsToFloat(random.nextInt());
      float c = Float.intBitsToFloat(random.nextInt());
      assertEquals(Math.fma(a, b, c), FusedMultiplyAdd.of(a, b, c), a + " " + b + " " + c);
      // Near each other, where roundings meet ties.
      float near = (float) (-(double) a * b * (1 + random.nextInt(9) * 0x1p-24));
      assertEquals(Math.fma(a, b, near), FusedMultiplyAdd.of(a, b, near), a + " " + b);
      float tie = (random.nextInt(1 << 24) | 1) * 0x1p-25f;
      assertEquals(Math.fma(tie, tie, 1), FusedMultiplyAdd.of(tie, tie, 1), "" + tie);
      float tiny = random.nextInt(1 << 12) * 0x1p-36f;
      assertEquals(Math.fma(tiny, 0x1p-12f, 1), FusedMultiplyAdd.of(tiny, 0x1p-12f, 1), "" + tiny);
    }
  }

  @Test
  void buffersAndBytesAreThoseOfJava() {
    ByteBuffer bytes = ByteBuffer.allocate(10).putInt(7).putInt(9);
    assertEquals(bytes.duplicate().flip(), Buffers.flip(bytes.duplicate()));
    assertEquals(bytes.duplicate().clear(), Buffers.clear(bytes.duplicate()));
    assertEquals(bytes.slice(4, 4), Buffers.slice(bytes, 4, 4));
    assertEquals(0, Buffers.slice(bytes, 10, 0).remaining());
    assertEquals(3, Buffers.position(Buffers.limit(bytes.duplicate(), 8), 3).position());
    for (int[] wrong : new int[][] {{-1, 1}, {0, 11}, {10, 1}, {3, -1}, {3, Integer.MAX_VALUE}}) {
      assertThrows(IllegalArgumentException.class, () -> Buffers.slice(bytes, wrong[0], wrong[1]));
      assertThrows(
          IndexOutOfBoundsException.class, () -> Bounds.checkRange(wrong[0], wrong[1], 10));
    }
    Bounds.checkRange(10, 0, 10);
    assertEquals(2, Objects.checkFromIndexSize(2L, 3L, 5L));
    Bounds.checkRange(2, 3, 5);
    Bounds.checkIndex(4, 5);
    assertThrows(IndexOutOfBoundsException.class, () -> Bounds.checkIndex(5, 5));
    assertThrows(IndexOutOfBoundsException.class, () -> Bounds.checkIndex(-1, 5));
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    assertEquals(HexFormat.of().formatHex(all), Hex.of(all));
    assertEquals("000102", Hex.of(all, 3));
  }

  @Test
  void textIsUtf8OrRefused(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("text");
    Files.writeString(file, "\u00e4\ud83d\ude00");
    assertEquals(Files.readString(file), TextFile.read(file));
    byte[] many = "ab\u00e4".repeat(9000).getBytes(StandardCharsets.UTF_8);
    String read = TextFile.read(new ByteArrayInputStream(many));
    assertArrayEquals(many, read.getBytes(StandardCharsets.UTF_8));
    Files.write(file, new byte[] {(byte) 0xff});
    assertThrows(CharacterCodingException.class, () -> TextFile.read(file));
  }
}
