package io.deem.desktop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import io.deem.ImageFormatException;
import io.deem.spi.ImageCodec;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Real files of every format. All show one pattern of 23 x 17 pixels, or a variation of it, written
 * by another library.
 */
class DesktopImageCodecTest {
  private static final int WIDTH = 23;
  private static final int HEIGHT = 17;

  @TempDir Path folder;

  private interface Pattern {
    int at(int x, int y);
  }

  private static int pattern(int x, int y) {
    return ((x * 11) << 16) | ((y * 15) << 8) | (x * 7 + y * 5);
  }

  private static int grey(int value) {
    return value << 16 | value << 8 | value;
  }

  private static int onWhite(int colour, int alpha) {
    int flat = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      int value = colour >> shift & 0xff;
      flat |= Math.round((value * alpha + 255f * (255 - alpha)) / 255f) << shift;
    }
    return flat;
  }

  @ParameterizedTest
  @CsvSource({
    "lossless.webp, 0",
    "rgb.bmp, 0",
    "rgb16.png, 0",
    "lossy.webp, 24",
    "progressive.jpg, 6",
    "cmyk.jpg, 12"
  })
  void decodes(String name, int tolerance) throws IOException {
    assertPixels(decode(name), tolerance, DesktopImageCodecTest::pattern);
  }

  @ParameterizedTest
  @CsvSource({"turned.png, 0", "turned.webp, 0", "turned.jpg, 6"})
  void turnsUpright(String name, int tolerance) throws IOException {
    Image image = decode(name);
    assertEquals(HEIGHT, image.width());
    assertEquals(WIDTH, image.height());
    for (int y = 0; y < WIDTH; y++) {
      for (int x = 0; x < HEIGHT; x++) {
        assertColour(pattern(y, HEIGHT - 1 - x), image.rgb(x, y), tolerance, x, y);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyOrientationIsUndone(int orientation) throws IOException {
    // The corners, clockwise from the top left, of what a viewer must see, and where each was
    // stored.
    String[] stored = {"", "ABCD", "BADC", "CDAB", "DCBA", "ADCB", "BCDA", "CBAD", "DABC"};
    BufferedImage file = new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB);
    int[][] clockwise = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
    for (int i = 0; i < 4; i++) {
      file.setRGB(clockwise[i][0], clockwise[i][1], stored[orientation].charAt(i));
    }
    Image upright = Pixels.toImage(file, orientation);
    StringBuilder seen = new StringBuilder();
    for (int[] corner : clockwise) {
      seen.append((char) upright.rgb(corner[0], corner[1]));
    }
    assertEquals("ABCD", seen.toString());
  }

  @Test
  void greyIsNotBrightened() throws IOException {
    Pattern ramp = (x, y) -> grey(x * 11);
    assertPixels(decode("grey.png"), 0, ramp);
    assertPixels(decode("grey16.png"), 0, ramp);
    assertPixels(decode("bilevel.png"), 0, (x, y) -> grey(x % 2 * 255));
    assertPixels(
        decode("grey.jpg"),
        3,
        (x, y) -> grey(Math.round(.299f * x * 11 + .587f * y * 15 + .114f * (x * 7 + y * 5))));
  }

  @Test
  void transparencyGoesOnWhite() throws IOException {
    Pattern flattened = (x, y) -> onWhite(pattern(x, y), Math.min(255, x * 12));
    assertPixels(decode("alpha.png"), 0, flattened);
    assertPixels(decode("alpha.webp"), 0, flattened);
    assertPixels(
        decode("grey-alpha.png"), 0, (x, y) -> onWhite(grey(x * 11), Math.min(255, x * 12)));
    int[] palette = {0xff0000, 0xffffff, onWhite(0x0000ff, 128), 0x0a141e};
    assertPixels(decode("palette.png"), 0, (x, y) -> palette[x % 4]);
    int[] gif = {0xff0000, 0xffffff, 0x0000ff, 0x0a141e};
    assertPixels(decode("palette.gif"), 0, (x, y) -> gif[x % 4]);
    assertPixels(decode("key.png"), 0, (x, y) -> pattern(x, y) == 0 ? 0xffffff : pattern(x, y));
  }

  @Test
  void writesPngWithoutLoss() throws IOException {
    byte[] rgb = new byte[31 * 9 * 3];
    new Random(3).nextBytes(rgb);
    Image image = Image.ofRgb(31, 9, rgb);
    Path path = folder.resolve("x.png");
    image.write(path);
    assertEquals(image, Image.read(path));
    assertEquals(image.contentHash(), Image.read(Files.newInputStream(path)).contentHash());
    assertEquals(image, Image.decode(Files.readAllBytes(path)));
  }

  @Test
  void refusesHugePngByItsHeader() throws IOException {
    ByteBuffer png = ByteBuffer.allocate(8 + 25);
    png.put("\u0089PNG\r\n\u001a\n".getBytes(StandardCharsets.ISO_8859_1)).putInt(13);
    png.put("IHDR".getBytes(StandardCharsets.US_ASCII)).putInt(30000).putInt(30000);
    png.put(new byte[] {8, 2, 0, 0, 0});
    CRC32 crc = new CRC32();
    crc.update(png.array(), 12, 17);
    png.putInt((int) crc.getValue());
    Path path = Files.write(folder.resolve("huge.png"), png.array());
    assertRefused(path, "PNG image of 30000 x 30000 pixels is over the limit of 64000000");
  }

  @Test
  void refusesWhatIsNoImage() throws IOException {
    assertRefused(
        Files.write(folder.resolve("empty.png"), new byte[0]), "image is empty (0 bytes)");
    assertRefused(
        Files.writeString(folder.resolve("text.png"), "no image"),
        "not a JPEG, PNG, WebP, GIF or BMP image");
    assertRefused(folder, "is a folder, not an image");
    Path none = folder.resolve("none.png");
    NoSuchFileException missing = assertThrows(NoSuchFileException.class, () -> Image.read(none));
    assertEquals(none + ": no such file", missing.getMessage());
  }

  @Test
  void keepsToTheLimits() throws IOException {
    byte[] png = bytes("rgb16.png");
    Path path = Files.write(folder.resolve("x.png"), png);
    ImageFormatException pixels =
        assertThrows(
            ImageFormatException.class,
            () -> Image.read(path, new ImageCodec.Limits(WIDTH * HEIGHT - 1, 1 << 20)));
    assertEquals(
        path + ": PNG image of 23 x 17 pixels is over the limit of 390", pixels.getMessage());
    ImageFormatException size =
        assertThrows(
            ImageFormatException.class,
            () -> Image.read(path, new ImageCodec.Limits(1000, png.length - 1)));
    assertEquals(
        path + ": image has more than the " + (png.length - 1) + " bytes allowed",
        size.getMessage());
    Image.read(path, new ImageCodec.Limits(WIDTH * HEIGHT, png.length));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb16.png",
        "palette.png",
        "progressive.jpg",
        "turned.jpg",
        "cmyk.jpg",
        "lossless.webp",
        "lossy.webp",
        "palette.gif",
        "rgb.bmp"
      })
  void everyTruncationIsRefusedInOneLine(String name) throws IOException {
    byte[] whole = bytes(name);
    // A GIF's picture is whole before its trailer.
    int end = name.endsWith(".gif") ? whole.length - 1 : whole.length;
    for (int length = 0; length < end; length += name.endsWith(".bmp") ? 7 : 1) {
      byte[] cut = Arrays.copyOf(whole, length);
      ImageFormatException e =
          assertThrows(ImageFormatException.class, () -> Image.decode(cut), "length " + length);
      assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb16.png",
        "progressive.jpg",
        "cmyk.jpg",
        "lossy.webp",
        "palette.gif",
        "rgb.bmp"
      })
  void damageGivesAnErrorOrAnImage(String name) throws IOException {
    byte[] whole = bytes(name);
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      byte[] damaged = whole.clone();
      for (int j = 0; j < 3; j++) {
        int range = i % 2 == 0 ? damaged.length : Math.min(60, damaged.length);
        damaged[random.nextInt(range)] = (byte) random.nextInt();
      }
      try {
        Image image = Image.decode(damaged);
        assertTrue((long) image.width() * image.height() <= 64_000_000);
      } catch (ImageFormatException e) {
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
        refused++;
      }
    }
    assertTrue(refused > 0);
  }

  @Test
  void aWrongChecksumIsDamage() throws IOException {
    byte[] png = bytes("rgb16.png");
    png[60] ^= 1;
    ImageFormatException e = assertThrows(ImageFormatException.class, () -> Image.decode(png));
    assertEquals("PNG image is damaged (checksum of the block at byte 33)", e.getMessage());
  }

  private static void assertRefused(Path path, String expected) {
    ImageFormatException e = assertThrows(ImageFormatException.class, () -> Image.read(path));
    assertEquals(path + ": " + expected, e.getMessage());
  }

  private static Image decode(String name) throws IOException {
    return Image.read(new ByteArrayInputStream(bytes(name)));
  }

  private static byte[] bytes(String name) throws IOException {
    try (var stream = DesktopImageCodecTest.class.getResourceAsStream("/images/" + name)) {
      return stream.readAllBytes();
    }
  }

  private static void assertPixels(Image image, int tolerance, Pattern expected) {
    assertEquals(WIDTH, image.width());
    assertEquals(HEIGHT, image.height());
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        assertColour(expected.at(x, y), image.rgb(x, y), tolerance, x, y);
      }
    }
  }

  private static void assertColour(int expected, int found, int tolerance, int x, int y) {
    for (int shift = 0; shift <= 16; shift += 8) {
      int difference = Math.abs((expected >> shift & 0xff) - (found >> shift & 0xff));
      assertTrue(
          difference <= tolerance,
          () -> String.format("(%d, %d): expected %06x, found %06x", x, y, expected, found));
    }
  }
}
