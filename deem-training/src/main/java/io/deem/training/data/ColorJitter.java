package io.deem.training.data;

import io.deem.Image;
import io.deem.random.RandomSource;

/** Varies the colours of a picture: brightness, contrast, saturation and hue, in this order. */
final class ColorJitter {

  private static final double RED = 0.299;
  private static final double GREEN = 0.587;
  private static final double BLUE = 0.114;

  private ColorJitter() {}

  static Image apply(Augmentation augmentation, Image image, RandomSource random) {
    double brightness = factor(augmentation.brightness(), random);
    double contrast = factor(augmentation.contrast(), random);
    double saturation = factor(augmentation.saturation(), random);
    double[] turn = turn((2 * random.uniform() - 1) * augmentation.hue());
    byte[] rgb = image.toRgb();
    double mean = brightness * meanGrey(rgb);
    double[] pixel = new double[3];
    for (int at = 0; at < rgb.length; at += 3) {
      for (int c = 0; c < 3; c++) {
        pixel[c] = mean + contrast * (brightness * (rgb[at + c] & 0xff) - mean);
      }
      double grey = grey(pixel[0], pixel[1], pixel[2]);
      for (int c = 0; c < 3; c++) {
        pixel[c] = grey + saturation * (pixel[c] - grey);
      }
      for (int c = 0; c < 3; c++) {
        double turned =
            turn[0] * pixel[c] + turn[1] * pixel[(c + 1) % 3] + turn[2] * pixel[(c + 2) % 3];
        rgb[at + c] = (byte) (int) Math.max(0, Math.min(255, turned + 0.5));
      }
    }
    return Image.ofRgb(image.width(), image.height(), rgb);
  }

  private static double factor(double most, RandomSource random) {
    return 1 + (2 * random.uniform() - 1) * most;
  }

  private static double meanGrey(byte[] rgb) {
    double sum = 0;
    for (int at = 0; at < rgb.length; at += 3) {
      sum += grey(rgb[at] & 0xff, rgb[at + 1] & 0xff, rgb[at + 2] & 0xff);
    }
    return sum / (rgb.length / 3.0);
  }

  private static double grey(double red, double green, double blue) {
    return RED * red + GREEN * green + BLUE * blue;
  }

  /** The first row of a rotation about the grey axis; the others are its cyclic shifts. */
  private static double[] turn(double turns) {
    double cos = StrictMath.cos(2 * Math.PI * turns);
    double sin = StrictMath.sin(2 * Math.PI * turns);
    double part = (1 - cos) / 3;
    double across = sin / Math.sqrt(3);
    return new double[] {cos + part, part - across, part + across};
  }
}
