package io.deem.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.Image;
import io.deem.graph.Resampling;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the reference's numbers do not reach: odd sizes, borders and wrong arguments. */
class ImagePreparationTest {
  private static Image flat(int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    Arrays.fill(rgb, (byte) 200);
    return Image.ofRgb(width, height, rgb);
  }

  @ParameterizedTest
  @EnumSource
  void everyFramingGivesASquareOfAnyProportions(Framing framing) {
    int[][] sizes = {{1, 1}, {1, 9}, {500, 3}, {33, 32}, {64, 64}, {65, 129}};
    for (int[] size : sizes) {
      assertEquals(flat(32, 32), framing.apply(flat(size[0], size[1]), 32));
    }
  }

  @Test
  void theSameSizeIsTheSameImage() {
    Image image = flat(5, 7);
    assertSame(image, AntialiasedResize.resize(image, 5, 7, ResizeFilter.BICUBIC));
  }

  @ParameterizedTest
  @EnumSource
  void aFlatImageStaysFlat(ResizeFilter filter) {
    int[][] sizes = {{1, 1}, {3, 50}, {200, 2}, {17, 19}};
    for (int[] size : sizes) {
      assertEquals(
          flat(size[0], size[1]), AntialiasedResize.resize(flat(40, 23), size[0], size[1], filter));
    }
  }

  @Test
  void planesComeBackAsTheImage() {
    byte[] rgb = new byte[256 * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 7);
    }
    Image image = Image.ofRgb(16, 16, rgb);
    float[] planes = PixelPlanes.of(image);
    assertEquals((rgb[5] & 0xff) / 255f, planes[2 * 256 + 1]);
    assertEquals(image, PixelPlanes.toImage(planes, 16, 16));
    Image clamped = PixelPlanes.toImage(new float[] {-3, 2, Float.NaN}, 1, 1);
    assertEquals(0x00ff00, clamped.rgb(0, 0));
    assertThrows(IllegalArgumentException.class, () -> PixelPlanes.toImage(planes, 16, 15));
  }

  @Test
  void interpolationKeepsEqualSizes() {
    float[] planes = {1, 5, -2, 7, 0.5f, 3};
    for (Resampling resampling : Resampling.values()) {
      for (boolean alignCorners : new boolean[] {false, true}) {
        assertArrayEquals(
            planes, Interpolation.resize(planes, 1, 2, 3, 2, 3, resampling, alignCorners));
      }
    }
    assertArrayEquals(
        new float[] {4, 4, 4},
        Interpolation.resize(new float[] {4}, 1, 1, 1, 1, 3, Resampling.BICUBIC, true),
        1e-6f);
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertMessage(
        "cannot resize to 0 x 4",
        () -> AntialiasedResize.resize(flat(2, 2), 0, 4, ResizeFilter.BOX));
    assertMessage(
        "cannot resize to 40000 x 40000",
        () -> AntialiasedResize.resize(flat(2, 2), 40000, 40000, ResizeFilter.BOX));
    assertMessage(
        "planes of [1, 2, 2] need 4 values, were given 3",
        () -> Interpolation.resize(new float[3], 1, 2, 2, 1, 1, Resampling.NEAREST, false));
    assertMessage(
        "the width of a position table must be a multiple of 4, was 6",
        () -> PositionTables.sincos2d(6, 2, false));
    assertMessage(
        "7 values are no whole position table of width 4",
        () -> PositionTables.fitted(new float[7], 4, 4));
    assertMessage(
        "5 values are no whole number of images of 1 pixels",
        () -> Normalization.CLIP.apply(new float[5], 1));
  }

  private static void assertMessage(String expected, Runnable action) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, action::run).getMessage());
  }
}
