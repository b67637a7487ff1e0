package io.deem.image;

import io.deem.Image;

/**
 * Resizes pictures as Pillow's {@code Image.resize} does, to the bit: the kernel widens with the
 * reduction, rows are resampled before columns, and each pass computes in fixed point and rounds to
 * eight bits. Models trained on pictures that Pillow resized see the same pixels here.
 */
public final class AntialiasedResize {
  /** Bits after the point: 32, less 8 for the sample and 2 for what kernels exceed one by. */
  private static final int PRECISION_BITS = 32 - 8 - 2;

  private static final int CHANNELS = 3;

  private AntialiasedResize() {}

  /**
   * Resizes an image, without regard to its proportions.
   *
   * @param width new width in pixels, at least 1
   * @param height new height in pixels, at least 1
   * @throws IllegalArgumentException if a size is not positive or the result has 2^31 / 3 pixels or
   *     more
   */
  public static Image resize(Image image, int width, int height, ResizeFilter filter) {
    if (width <= 0 || height <= 0 || (long) width * height > Integer.MAX_VALUE / CHANNELS) {
      throw new IllegalArgumentException("cannot resize to " + width + " x " + height);
    }
    if (width == image.width() && height == image.height()) {
      return image;
    }
    byte[] rgb = image.toRgb();
    if (width != image.width()) {
      rgb = resizeRows(rgb, image.height(), Kernel.of(image.width(), width, filter));
    }
    if (height != image.height()) {
      rgb = resizeColumns(rgb, width, Kernel.of(image.height(), height, filter));
    }
    return Image.ofRgb(width, height, rgb);
  }

  /**
   * The weights of one pass.
   *
   * @param inputs how many samples go in
   * @param first for each output, the first input that counts
   * @param weights for each output, fixed-point weights from that input on
   */
  private record Kernel(int inputs, int[] first, int[][] weights) {
    static Kernel of(int inputs, int outputs, ResizeFilter filter) {
      double scale = (double) inputs / outputs;
      double widening = Math.max(1, scale);
      double support = filter.support() * widening;
      int[] first = new int[outputs];
      int[][] weights = new int[outputs][];
      for (int output = 0; output < outputs; output++) {
        double center = (output + 0.5) * scale;
        int from = Math.max(0, (int) (center - support + 0.5));
        int to = Math.min(inputs, (int) (center + support + 0.5));
        first[output] = from;
        weights[output] = weights(from, to, center, 1 / widening, filter);
      }
      return new Kernel(inputs, first, weights);
    }

    private static int[] weights(
        int from, int to, double center, double narrowing, ResizeFilter filter) {
      double[] exact = new double[to - from];
      double sum = 0;
      for (int i = 0; i < exact.length; i++) {
        exact[i] = filter.weight((i + from - center + 0.5) * narrowing);
        sum += exact[i];
      }
      int[] rounded = new int[exact.length];
      for (int i = 0; i < exact.length; i++) {
        double weight = (sum != 0 ? exact[i] / sum : exact[i]) * (1 << PRECISION_BITS);
        rounded[i] = (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
      }
      return rounded;
    }
  }

  private static byte[] resizeRows(byte[] rgb, int height, Kernel kernel) {
    int width = kernel.first().length;
    byte[] resized = new byte[width * height * CHANNELS];
    int to = 0;
    for (int y = 0; y < height; y++) {
      int row = y * kernel.inputs() * CHANNELS;
      for (int x = 0; x < width; x++) {
        int[] weights = kernel.weights()[x];
        int start = row + kernel.first()[x] * CHANNELS;
        for (int channel = 0; channel < CHANNELS; channel++) {
          resized[to++] = weighted(rgb, start + channel, CHANNELS, weights);
        }
      }
    }
    return resized;
  }

  private static byte[] resizeColumns(byte[] rgb, int width, Kernel kernel) {
    int height = kernel.first().length;
    int stride = width * CHANNELS;
    byte[] resized = new byte[stride * height];
    int to = 0;
    for (int y = 0; y < height; y++) {
      int[] weights = kernel.weights()[y];
      int start = kernel.first()[y] * stride;
      for (int i = 0; i < stride; i++) {
        resized[to++] = weighted(rgb, start + i, stride, weights);
      }
    }
    return resized;
  }

  private static byte weighted(byte[] samples, int start, int stride, int[] weights) {
    int sum = 1 << (PRECISION_BITS - 1);
    int at = start;
    for (int weight : weights) {
      sum += (samples[at] & 0xff) * weight;
      at += stride;
    }
    return (byte) Math.max(0, Math.min(255, sum >> PRECISION_BITS));
  }
}
