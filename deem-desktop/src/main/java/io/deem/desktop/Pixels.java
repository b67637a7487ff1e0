package io.deem.desktop;

import io.deem.Image;
import io.deem.image.Orientation;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.Raster;

/** Turns what ImageIO decodes into upright, opaque, eight-bit RGB. */
final class Pixels {
  private Pixels() {}

  /**
   * Converts an image.
   *
   * @param orientation the EXIF orientation, 1 to 8
   */
  static Image toImage(BufferedImage image, int orientation) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = samplesAreColours(image.getColorModel()) ? fromSamples(image) : fromColours(image);
    return Orientation.upright(rgb, width, height, orientation);
  }

  /**
   * The opacity of an image that is transparent somewhere, as grey; any other image as it is.
   *
   * @param orientation the EXIF orientation, 1 to 8
   */
  static Image toMask(BufferedImage image, int orientation) {
    int width = image.getWidth();
    int height = image.getHeight();
    if (!image.getColorModel().hasAlpha()) {
      return toImage(image, orientation);
    }
    byte[] grey = new byte[width * height * 3];
    int[] row = new int[width];
    boolean transparent = false;
    int to = 0;
    for (int y = 0; y < height; y++) {
      image.getRGB(0, y, width, 1, row, 0, width);
      for (int colour : row) {
        int alpha = colour >>> 24;
        transparent |= alpha < 255;
        for (int channel = 0; channel < 3; channel++) {
          grey[to++] = (byte) alpha;
        }
      }
    }
    return transparent
        ? Orientation.upright(grey, width, height, orientation)
        : toImage(image, orientation);
  }

  /**
   * Whether the stored samples can be taken as they are. Asking the image for colours instead would
   * brighten grey, which Java takes for linear light, and apply an embedded profile, which models
   * are not trained with.
   */
  private static boolean samplesAreColours(ColorModel model) {
    return model instanceof ComponentColorModel
        && !model.isAlphaPremultiplied()
        && model.getComponentSize(0) >= 8
        && model.getNumColorComponents() != 2
        && model.getNumColorComponents() <= 3;
  }

  private static byte[] fromSamples(BufferedImage image) {
    Raster raster = image.getRaster();
    ColorModel model = image.getColorModel();
    int width = image.getWidth();
    int height = image.getHeight();
    int bands = raster.getNumBands();
    boolean grey = model.getNumColorComponents() == 1;
    int shift = model.getComponentSize(0) - 8;
    int[] row = new int[width * bands];
    byte[] rgb = new byte[width * height * 3];
    int to = 0;
    for (int y = 0; y < height; y++) {
      raster.getPixels(0, y, width, 1, row);
      for (int from = 0; from < row.length; from += bands) {
        int alpha = model.hasAlpha() ? row[from + bands - 1] >> shift : 255;
        for (int channel = 0; channel < 3; channel++) {
          int value = row[from + (grey ? 0 : channel)] >> shift;
          rgb[to++] = onWhite(value, alpha);
        }
      }
    }
    return rgb;
  }

  private static byte[] fromColours(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    int[] row = new int[width];
    byte[] rgb = new byte[width * height * 3];
    int to = 0;
    for (int y = 0; y < height; y++) {
      image.getRGB(0, y, width, 1, row, 0, width);
      for (int colour : row) {
        int alpha = colour >>> 24;
        rgb[to++] = onWhite(colour >> 16 & 0xff, alpha);
        rgb[to++] = onWhite(colour >> 8 & 0xff, alpha);
        rgb[to++] = onWhite(colour & 0xff, alpha);
      }
    }
    return rgb;
  }

  private static byte onWhite(int value, int alpha) {
    return (byte) ((value * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}
