package io.deem.training.data;

import io.deem.Image;
import io.deem.text.prompt.RegionMask;
import java.io.IOException;

/** The box around a shape. */
final class ShapeBounds {

  private ShapeBounds() {}

  /**
   * The box around a shape of a picture. Only masks and runs have to be looked at pixel by pixel.
   *
   * @throws IOException if the mask cannot be read or is empty
   */
  static RegionShape.Box of(RegionShape shape, ImageSource image) throws IOException {
    if (shape instanceof RegionShape.Box box) {
      return box;
    }
    if (shape instanceof RegionShape.Polygons polygons) {
      return of(polygons);
    }
    if (shape instanceof RegionShape.Runs runs) {
      return of(runs.mask(runs.width(), runs.height()));
    }
    Image picture = image.read();
    return of(shape.mask(picture.width(), picture.height()));
  }

  private static RegionShape.Box of(RegionShape.Polygons polygons) {
    double left = Double.POSITIVE_INFINITY;
    double top = Double.POSITIVE_INFINITY;
    double right = Double.NEGATIVE_INFINITY;
    double bottom = Double.NEGATIVE_INFINITY;
    for (double[] ring : polygons.rings()) {
      for (int i = 0; i < ring.length; i += 2) {
        left = Math.min(left, ring[i]);
        right = Math.max(right, ring[i]);
        top = Math.min(top, ring[i + 1]);
        bottom = Math.max(bottom, ring[i + 1]);
      }
    }
    return new RegionShape.Box(left, top, right - left, bottom - top);
  }

  private static RegionShape.Box of(RegionMask mask) throws IOException {
    float[] values = mask.values();
    int left = mask.width();
    int top = mask.height();
    int right = -1;
    int bottom = -1;
    for (int i = 0; i < values.length; i++) {
      if (values[i] != 0) {
        int x = i % mask.width();
        int y = i / mask.width();
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
    }
    if (right < 0) {
      throw new IOException("a mask without any pixel inside");
    }
    return new RegionShape.Box(left, top, right - left + 1.0, bottom - top + 1.0);
  }
}
