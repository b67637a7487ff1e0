package io.deem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.spi.ImageCodec;
import org.junit.jupiter.api.Test;

/** Images made of pixels; decoding is tested with the codecs. */
class ImageTest {
  private static final byte[] TWO_PIXELS = {(byte) 255, (byte) 128, 0, 1, 2, 3};

  @Test
  void holdsItsOwnPixels() {
    byte[] rgb = TWO_PIXELS.clone();
    Image image = Image.ofRgb(2, 1, rgb);
    rgb[0] = 0;
    image.toRgb()[1] = 0;
    assertEquals(2, image.width());
    assertEquals(1, image.height());
    assertEquals(0xff8000, image.rgb(0, 0));
    assertEquals(0x010203, image.rgb(1, 0));
    assertArrayEquals(TWO_PIXELS, image.toRgb());
    assertThrows(IndexOutOfBoundsException.class, () -> image.rgb(2, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> image.rgb(0, -1));
  }

  @Test
  void equalPixelsOfEqualSizeAreEqual() {
    Image image = Image.ofRgb(2, 1, TWO_PIXELS);
    assertEquals(image, Image.ofRgb(2, 1, TWO_PIXELS));
    assertEquals(image.hashCode(), Image.ofRgb(2, 1, TWO_PIXELS).hashCode());
    assertEquals(image.contentHash(), Image.ofRgb(2, 1, TWO_PIXELS).contentHash());
    assertEquals(64, image.contentHash().length());
    Image tall = Image.ofRgb(1, 2, TWO_PIXELS);
    assertNotEquals(image, tall);
    assertNotEquals(image.contentHash(), tall.contentHash());
  }

  @Test
  void refusesWrongSizes() {
    assertMessage("image size must be positive, was 0 x 1", () -> Image.ofRgb(0, 1, new byte[0]));
    assertMessage(
        "an RGB image of 2 x 2 has 12 bytes, was given 6", () -> Image.ofRgb(2, 2, TWO_PIXELS));
    assertMessage(
        "an RGB image of 65536 x 65536 has 12884901888 bytes, was given 0",
        () -> Image.ofRgb(65536, 65536, new byte[0]));
    assertThrows(IllegalArgumentException.class, () -> new ImageCodec.Limits(0, 1));
  }

  private static void assertMessage(String expected, Runnable action) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, action::run).getMessage());
  }
}
