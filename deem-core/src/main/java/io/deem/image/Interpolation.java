package io.deem.image;

import io.deem.graph.Resampling;

/**
 * Resizes planes of numbers as {@code torch.nn.functional.interpolate} does: between neighbouring
 * values only, without antialiasing, the border repeated. For tables that are resized once, outside
 * a network.
 */
public final class Interpolation {
  private static final float CUBIC = -0.75f;

  private Interpolation() {}

  /**
   * Resizes planes.
   *
   * @param planes [count, height, width]
   * @param alignCorners whether the corner values stay at the corners; has no meaning for {@link
   *     Resampling#NEAREST}
   * @return [count, newHeight, newWidth]
   * @throws IllegalArgumentException if a size is not positive or the array's length is another
   */
  public static float[] resize(
      float[] planes,
      int count,
      int height,
      int width,
      int newHeight,
      int newWidth,
      Resampling resampling,
      boolean alignCorners) {
    if (height <= 0 || width <= 0 || newHeight <= 0 || newWidth <= 0) {
      throw new IllegalArgumentException(
          String.format(
              "cannot resize planes of %d x %d to %d x %d", height, width, newHeight, newWidth));
    }
    if (planes.length != (long) count * height * width) {
      throw new IllegalArgumentException(
          String.format(
              "planes of [%d, %d, %d] need %d values, were given %d",
              count, height, width, (long) count * height * width, planes.length));
    }
    Taps rows = Taps.of(height, newHeight, resampling, alignCorners);
    Taps columns = Taps.of(width, newWidth, resampling, alignCorners);
    float[] resized = new float[Math.multiplyExact(count * newHeight, newWidth)];
    int to = 0;
    for (int plane = 0; plane < count; plane++) {
      for (int y = 0; y < newHeight; y++) {
        for (int x = 0; x < newWidth; x++) {
          resized[to++] = sample(planes, plane * height * width, width, rows, y, columns, x);
        }
      }
    }
    return resized;
  }

  private static float sample(
      float[] planes, int start, int width, Taps rows, int y, Taps columns, int x) {
    float sum = 0;
    for (int i = 0; i < rows.each(); i++) {
      int row = start + rows.index()[y * rows.each() + i] * width;
      float rowSum = 0;
      for (int j = 0; j < columns.each(); j++) {
        int tap = x * columns.each() + j;
        rowSum += columns.weight()[tap] * planes[row + columns.index()[tap]];
      }
      sum += rows.weight()[y * rows.each() + i] * rowSum;
    }
    return sum;
  }

  /**
   * Which inputs each output along one axis takes, and how much of them.
   *
   * @param each taps of one output
   * @param index [outputs, each]
   * @param weight [outputs, each]
   */
  private record Taps(int each, int[] index, float[] weight) {
    static Taps of(int inputs, int outputs, Resampling resampling, boolean alignCorners) {
      int each =
          switch (resampling) {
            case NEAREST -> 1;
            case BILINEAR -> 2;
            case BICUBIC -> 4;
          };
      Taps taps = new Taps(each, new int[outputs * each], new float[outputs * each]);
      float scale =
          !alignCorners || resampling == Resampling.NEAREST
              ? (float) inputs / outputs
              : outputs > 1 ? (float) (inputs - 1) / (outputs - 1) : 0;
      for (int output = 0; output < outputs; output++) {
        float source = alignCorners ? scale * output : scale * (output + 0.5f) - 0.5f;
        switch (resampling) {
          case NEAREST -> taps.set(output, 0, (int) (scale * output), 1, inputs);
          case BILINEAR -> taps.linear(output, Math.max(0, source), inputs);
          case BICUBIC -> taps.cubic(output, source, inputs);
        }
      }
      return taps;
    }

    private void linear(int output, float source, int inputs) {
      int low = Math.min((int) source, inputs - 1);
      float fraction = source - low;
      set(output, 0, low, 1 - fraction, inputs);
      set(output, 1, low + 1, fraction, inputs);
    }

    private void cubic(int output, float source, int inputs) {
      int low = (int) Math.floor(source);
      float fraction = source - low;
      set(output, 0, low - 1, outer(fraction + 1), inputs);
      set(output, 1, low, inner(fraction), inputs);
      set(output, 2, low + 1, inner(1 - fraction), inputs);
      set(output, 3, low + 2, outer(2 - fraction), inputs);
    }

    private void set(int output, int tap, int input, float amount, int inputs) {
      index[output * each + tap] = Math.max(0, Math.min(inputs - 1, input));
      weight[output * each + tap] = amount;
    }

    private static float inner(float x) {
      return ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
    }

    private static float outer(float x) {
      return ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC;
    }
  }
}
