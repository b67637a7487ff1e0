package io.deem;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class RegionTest {

  private static final Image PICTURE = Image.ofRgb(8, 5, new byte[8 * 5 * 3]);

  /** A row of characters for each row of pixels, # inside. */
  private static String drawn(Region region, int width, int height) {
    boolean[] inside = region.inside(width, height);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < inside.length; i++) {
      text.append(inside[i] ? '#' : '.');
      text.append((i + 1) % width == 0 ? "\n" : "");
    }
    return text.toString();
  }

  @Test
  void aBoxHasThePixelsWhoseCentresItHolds() {
    String expected =
        """
        ........
        ..###...
        ..###...
        ........
        ........
        """;
    assertEquals(expected, drawn(Region.box(2, 1, 5, 3), 8, 5));
    assertEquals(expected, drawn(Region.box(1.6, 0.9, 5.4, 2.6), 8, 5));
    assertEquals("########\n".repeat(5), drawn(Region.box(0, 0, 8, 5), 8, 5));
  }

  @Test
  void aPolygonHasThePixelsWhoseCentresItHolds() {
    assertEquals(
        """
        #.....
        ##....
        ###...
        ####..
        """,
        drawn(Region.polygon(0, 0, 4.2, 4, 0, 4), 6, 4));
    // Two arms and no bottom between them.
    assertEquals(
        """
        #..#
        #..#
        ####
        """,
        drawn(Region.polygon(0, 0, 1, 0, 1, 2, 3, 2, 3, 0, 4, 0, 4, 3, 0, 3), 4, 3));
  }

  @Test
  void polygonsAgreeWithTestingEachPixel() {
    Random random = new Random(5);
    for (int trial = 0; trial < 200; trial++) {
      double[] corners = new double[2 * (3 + random.nextInt(5))];
      for (int i = 0; i < corners.length; i++) {
        corners[i] = random.nextDouble() * (i % 2 == 0 ? 17 : 13);
      }
      boolean[] expected = new boolean[17 * 13];
      boolean any = false;
      for (int i = 0; i < expected.length; i++) {
        int row = i / 17;
        expected[i] = holds(corners, i % 17 + 0.5, row + 0.5);
        any |= expected[i];
      }
      if (any) {
        assertArrayEquals(expected, Region.polygon(corners).inside(17, 13));
      }
    }
  }

  /** Whether a ray from the point to the left crosses the sides an odd number of times. */
  private static boolean holds(double[] corners, double x, double y) {
    boolean odd = false;
    int count = corners.length / 2;
    for (int i = 0; i < count; i++) {
      double x0 = corners[2 * i];
      double y0 = corners[2 * i + 1];
      double x1 = corners[2 * ((i + 1) % count)];
      double y1 = corners[2 * ((i + 1) % count) + 1];
      if ((y0 > y) != (y1 > y) && x > x0 + (y - y0) / (y1 - y0) * (x1 - x0)) {
        odd = !odd;
      }
    }
    return odd;
  }

  @Test
  void masksAreTakenPixelByPixel() {
    boolean[] inside = new boolean[6];
    inside[4] = true;
    byte[] alpha = {0, 127, 0, 0, (byte) 128, 0};
    byte[] rgb = new byte[18];
    rgb[12] = (byte) 255;
    rgb[13] = (byte) 129;
    String expected = "...\n.#.\n";
    assertEquals(expected, drawn(Region.mask(3, 2, inside), 3, 2));
    assertEquals(expected, drawn(Region.mask(3, 2, alpha), 3, 2));
    assertEquals(expected, drawn(Region.mask(Image.ofRgb(3, 2, rgb)), 3, 2));
    Region copied = Region.mask(3, 2, inside);
    inside[0] = true;
    assertEquals(expected, drawn(copied, 3, 2));
  }

  @Test
  void anImageCarriesItsRegion() {
    Image part = PICTURE.region(Region.box(2, 1, 5, 3));
    assertEquals(Optional.empty(), PICTURE.region());
    assertArrayEquals(
        Region.box(2, 1, 5, 3).inside(8, 5), part.region().orElseThrow().inside(8, 5));
    assertArrayEquals(PICTURE.toRgb(), part.toRgb());
    assertNotEquals(PICTURE, part);
    assertNotEquals(PICTURE.contentHash(), part.contentHash());
    Image same = PICTURE.region(Region.polygon(2, 1, 5, 1, 5, 3, 2, 3));
    assertEquals(part, same);
    assertEquals(part.contentHash(), same.contentHash());
    Image other = part.region(Region.box(0, 0, 1, 1));
    assertTrue(other.region().orElseThrow().inside(8, 5)[0]);
    assertFalse(other.region().orElseThrow().inside(8, 5)[10], "the new region replaces the old");
  }

  @Test
  void saysWhatIsWrongWithARegion() {
    refuses("the point (9, 1) is outside the picture of 8 x 5", () -> region(2, 1, 9, 3));
    refuses("has no pixel of the picture of 8 x 5", () -> region(2.6, 1, 3.4, 3));
    refuses("left must be less than right", () -> region(3, 1, 3, 2));
    refuses("at least 0, was given -1", () -> region(-1, 1, 3, 2));
    refuses("at least 0, was given NaN", () -> region(Double.NaN, 1, 3, 2));
    refuses("at least three corners, was given 4", () -> Region.polygon(1, 2, 3, 4));
    refuses("at least three corners, was given 7", () -> Region.polygon(1, 2, 3, 4, 5, 6, 7));
    refuses(
        "the point (3, 6) is outside the picture of 8 x 5",
        () -> PICTURE.region(Region.polygon(0, 0, 3, 0, 3, 6)));
    refuses("is empty", () -> Region.mask(2, 2, new boolean[4]));
    refuses("cannot have 3 pixels", () -> Region.mask(2, 2, new boolean[3]));
    boolean[] all = {true, true, true, true};
    refuses(
        "mask of 2 x 2 does not fit the picture of 8 x 5",
        () -> PICTURE.region(Region.mask(2, 2, all)));
  }

  private static Image region(double left, double top, double right, double bottom) {
    return PICTURE.region(Region.box(left, top, right, bottom));
  }

  private static void refuses(String reason, Executable call) {
    String message = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(message.contains(reason), message);
  }
}
