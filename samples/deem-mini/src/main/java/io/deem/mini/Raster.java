package io.deem.mini;

import java.awt.image.BufferedImage;

/** An 8-bit RGB picture. Its pixels are not to be changed once it is handed out. */
public final class Raster {

  private final int width;
  private final int height;
  private final byte[] rgb;

  Raster(int width, int height, byte[] rgb) {
    this.width = width;
    this.height = height;
    this.rgb = rgb;
  }

  static Raster of(BufferedImage image) {
    int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    byte[] rgb = new byte[argb.length * 3];
    for (int i = 0; i < argb.length; i++) {
      rgb[3 * i] = (byte) (argb[i] >> 16);
      rgb[3 * i + 1] = (byte) (argb[i] >> 8);
      rgb[3 * i + 2] = (byte) argb[i];
    }
    return new Raster(image.getWidth(), image.getHeight(), rgb);
  }

  /** Width in pixels. */
  public int width() {
    return width;
  }

  /** Height in pixels. */
  public int height() {
    return height;
  }

  /** A copy of the pixels: rows from the top, red, green, blue for each pixel. */
  public byte[] rgb() {
    return rgb.clone();
  }

  /**
   * Writes the pixels as three planes, red, green and blue, each {@code height} rows of {@code
   * width} values from 0 to 1.
   *
   * @param target receives {@code 3 * height * width} values
   * @param offset where in the target to start
   * @throws IndexOutOfBoundsException if the target is too short
   */
  public void toPlanes(float[] target, int offset) {
    int plane = width * height;
    for (int channel = 0; channel < 3; channel++) {
      int at = offset + channel * plane;
      for (int i = 0; i < plane; i++) {
        target[at + i] = (rgb[3 * i + channel] & 0xff) / 255f;
      }
    }
  }

  /** The picture for {@code java.awt} and {@code javax.imageio}. */
  public BufferedImage toBufferedImage() {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < width * height; i++) {
      image.setRGB(
          i % width,
          i / width,
          (rgb[3 * i] & 0xff) << 16 | (rgb[3 * i + 1] & 0xff) << 8 | (rgb[3 * i + 2] & 0xff));
    }
    return image;
  }
}
