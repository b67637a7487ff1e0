package io.deem.training.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.text.prompt.RegionMask;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegionShapeTest {

  /** An example of COCO's own tools: nine rows, ten columns. */
  @Test
  void compressedRunsAreReadAsCocoWritesThem() {
    RegionShape.Runs runs = RegionShape.Runs.ofText("61X13mN000`0", 10, 9);
    assertArrayEquals(new int[] {6, 1, 40, 4, 5, 4, 5, 4, 21}, runs.counts());
  }

  @Test
  void runsGoDownTheColumns() throws IOException {
    RegionMask mask = new RegionShape.Runs(new int[] {1, 3, 2}, 3, 2).mask(3, 2);
    assertArrayEquals(new float[] {0, 1, 0, 1, 1, 0}, mask.values());
    IOException e =
        assertThrows(IOException.class, () -> new RegionShape.Runs(new int[] {6}, 3, 2).mask(2, 3));
    assertEquals("runs: a mask of 3 x 2 for a picture of 2 x 3", e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"X", "61X13mN000`", "ooooooooo", "\u0001", "6N", "7"})
  void damagedRunsAreRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> RegionShape.Runs.ofText(text, 10, 9));
  }

  @Test
  void polygonsOnPixelBordersFillExactlyTheirPixels() {
    double[] square = {1, 2, 4, 2, 4, 4, 1, 4};
    RegionMask mask = new RegionShape.Polygons(List.of(square)).mask(6, 5);
    RegionMask box = new RegionShape.Box(1, 2, 3, 2).mask(6, 5);
    assertArrayEquals(box.values(), mask.values());
    double[] whole = {0, 0, 6, 0, 6, 5, 0, 5};
    assertArrayEquals(
        RegionMask.whole(5, 6).values(),
        new RegionShape.Polygons(List.of(whole)).mask(6, 5).values());
  }

  @Test
  void slantedPolygonsHaveTheirArea() {
    double[] triangle = {10, 10, 90, 10, 10, 70};
    double inside = 0;
    for (float value : new RegionShape.Polygons(List.of(triangle)).mask(100, 80).values()) {
      inside += value;
    }
    assertEquals(80 * 60 / 2.0, inside, 60);
    // Whichever way round the corners go.
    double[] reversed = {10, 70, 90, 10, 10, 10};
    assertArrayEquals(
        new RegionShape.Polygons(List.of(triangle)).mask(100, 80).values(),
        new RegionShape.Polygons(List.of(reversed)).mask(100, 80).values());
  }

  @Test
  void cornersOutsideAreCutOff() {
    double[] large = {-1e30, -5, 1e30, -5, 1e30, 1e30, -1e30, 1e30};
    assertArrayEquals(
        RegionMask.whole(5, 6).values(),
        new RegionShape.Polygons(List.of(large)).mask(6, 5).values());
  }

  @Test
  void impossibleShapesAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new RegionShape.Polygons(List.of(new double[] {1, 2, 3, 4})));
    assertThrows(IllegalArgumentException.class, () -> new RegionShape.Box(0, 0, Double.NaN, 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> new RegionShape.Runs(new int[] {Integer.MAX_VALUE, 1}, 1 << 16, 1 << 15));
    assertThrows(
        IllegalArgumentException.class,
        () -> new RegionShape.Box(0, 0, 1, 1).mask(1 << 20, 1 << 20));
  }
}
