package io.deem.text.prompt;

import io.deem.graph.Resampling;
import io.deem.image.Interpolation;
import java.util.Arrays;

/**
 * A part of an image.
 *
 * @param values [height, width], row by row; 1 inside, 0 outside
 * @param height rows
 * @param width columns
 */
public record RegionMask(float[] values, int height, int width) {

  /** Copies the values, so that the record stays immutable. */
  public RegionMask {
    if (height < 1 || width < 1 || values.length != (long) height * width) {
      throw new IllegalArgumentException(
          String.format("a mask of %d x %d with %d values", height, width, values.length));
    }
    values = values.clone();
  }

  /** The whole of an image. */
  public static RegionMask whole(int height, int width) {
    float[] values = new float[Math.multiplyExact(height, width)];
    Arrays.fill(values, 1);
    return new RegionMask(values, height, width);
  }

  /** The mask at another size; each value is that of the nearest place before it. */
  public RegionMask resized(int newHeight, int newWidth) {
    float[] resized =
        Interpolation.resize(
            values, 1, height, width, newHeight, newWidth, Resampling.NEAREST, false);
    return new RegionMask(resized, newHeight, newWidth);
  }

  @Override
  public float[] values() {
    return values.clone();
  }
}
