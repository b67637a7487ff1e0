package io.deem.image;

import io.deem.Image;

/** Pictures as arrays of numbers, one plane a channel: red, green, blue; rows from the top. */
public final class PixelPlanes {
  private static final int CHANNELS = 3;

  private PixelPlanes() {}

  /**
   * An image's samples divided by 255.
   *
   * @return [3, height, width], in 0 to 1
   */
  public static float[] of(Image image) {
    byte[] rgb = image.toRgb();
    int pixels = rgb.length / CHANNELS;
    float[] planes = new float[rgb.length];
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        planes[channel * pixels + pixel] = (rgb[pixel * CHANNELS + channel] & 0xff) / 255f;
      }
    }
    return planes;
  }

  /**
   * The image of planes in 0 to 1; values beyond are clamped, others rounded to the nearest of 256
   * levels.
   *
   * @param planes [3, height, width]
   * @throws IllegalArgumentException if the array's length is another
   */
  public static Image toImage(float[] planes, int height, int width) {
    if (planes.length != (long) CHANNELS * height * width) {
      throw new IllegalArgumentException(
          String.format(
              "planes of [3, %d, %d] need %d values, were given %d",
              height, width, (long) CHANNELS * height * width, planes.length));
    }
    int pixels = height * width;
    byte[] rgb = new byte[planes.length];
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        float value = Math.max(0f, Math.min(1f, planes[channel * pixels + pixel]));
        rgb[pixel * CHANNELS + channel] = (byte) Math.rint(value * 255f);
      }
    }
    return Image.ofRgb(width, height, rgb);
  }
}
