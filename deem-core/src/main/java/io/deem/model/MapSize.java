package io.deem.model;

import io.deem.graph.Value;

/**
 * The size of a feature map, in its own pixels. Blocks that depend on it are built once for each.
 *
 * @param height at least 1
 * @param width at least 1
 */
record MapSize(int height, int width) {

  MapSize {
    if (height < 1 || width < 1) {
      throw new IllegalArgumentException("not the size of a map: " + height + "x" + width);
    }
  }

  /** The last two extents of {@code [batch, channels, height, width]}. */
  static MapSize of(Value map) {
    long[] shape = map.shape();
    if (shape.length != 4) {
      throw new IllegalArgumentException(
          "a map has the axes batch, channels, height and width, not " + shape.length + " axes");
    }
    return new MapSize(Math.toIntExact(shape[2]), Math.toIntExact(shape[3]));
  }

  /** The number of pixels. */
  int area() {
    return Math.multiplyExact(height, width);
  }
}
