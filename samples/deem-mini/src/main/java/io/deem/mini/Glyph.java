package io.deem.mini;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * A picture cut out from its ground, at four sizes (128, 64, 32 and 16 pixels), each with red,
 * green, blue multiplied by alpha, so that shrinking and blending need no division.
 */
final class Glyph {

  /** Pixels on a side of a corpus picture. */
  static final int SIDE = 128;

  private static final int LEVELS = 4;
  private static final int RIM = 6;

  private final int[][] levels;
  private final double[] outlineX;
  private final double[] outlineY;
  private final double centerX;
  private final double centerY;
  private final double inkSide;
  private final double[] meanColor;
  private final double[] rimColor;

  private Glyph(int[][] levels, double[][] outline, double[] meanColor, double[] rimColor) {
    this.levels = levels;
    double[] x = extent(outline[0]);
    double[] y = extent(outline[1]);
    this.outlineX = outline[0];
    this.outlineY = outline[1];
    this.centerX = (x[0] + x[1]) / 2;
    this.centerY = (y[0] + y[1]) / 2;
    this.inkSide = Math.max(x[1] - x[0], y[1] - y[0]);
    this.meanColor = meanColor;
    this.rimColor = rimColor;
  }

  static Glyph cutOut(BufferedImage image) {
    int[] rgb = image.getRGB(0, 0, SIDE, SIDE, null, 0, SIDE);
    Cutout cutout = Cutout.of(rgb);
    int[] pixels = new int[SIDE * SIDE];
    double[] mean = new double[4];
    double[] rim = new double[4];
    double[] color = new double[4];
    for (int i = 0; i < pixels.length; i++) {
      cutout.unblend(i, color);
      pixels[i] = premultiplied(color);
      add(mean, color);
      if (cutout.depth(i) <= RIM) {
        add(rim, color);
      }
    }
    if (mean[3] < 1) {
      throw new IllegalArgumentException("the picture is empty");
    }
    int[][] levels = new int[LEVELS][];
    levels[0] = pixels;
    for (int level = 1; level < LEVELS; level++) {
      levels[level] = halve(levels[level - 1], SIDE >> (level - 1));
    }
    return new Glyph(levels, outline(pixels), divide(mean), divide(rim));
  }

  /** Pixels of a level, {@code side(level)} squared: alpha, red, green, blue in 8 bits each. */
  int[] level(int level) {
    return levels[level];
  }

  /**
   * The level to draw from, when one corpus pixel becomes {@code scale} pixels of the canvas: the
   * one whose pixels are nearest to the canvas's in size.
   */
  static int levelFor(double scale) {
    int level = (int) Math.round(-Math.log(scale) / Math.log(2));
    return Math.max(0, Math.min(LEVELS - 1, level));
  }

  /** Middle of the ink from the left, in corpus pixels. */
  double centerX() {
    return centerX;
  }

  /** Middle of the ink from the top, in corpus pixels. */
  double centerY() {
    return centerY;
  }

  /** Longer side of the ink in corpus pixels. */
  double inkSide() {
    return inkSide;
  }

  /** Mean colour of the ink: red, green, blue, 0 to 1. */
  double[] meanColor() {
    return meanColor.clone();
  }

  /** Mean colour of the ink along its edge: red, green, blue, 0 to 1. */
  double[] rimColor() {
    return rimColor.clone();
  }

  /**
   * The box around the ink turned about its middle, relative to that middle, for ink whose longer
   * side is 1.
   *
   * @param degrees clockwise as seen
   */
  Box turnedBox(double degrees) {
    double cos = StrictMath.cos(StrictMath.toRadians(degrees));
    double sin = StrictMath.sin(StrictMath.toRadians(degrees));
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;
    for (int i = 0; i < outlineX.length; i++) {
      double u = (outlineX[i] - centerX) / inkSide;
      double v = (outlineY[i] - centerY) / inkSide;
      double x = cos * u - sin * v;
      double y = sin * u + cos * v;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    return new Box(left, top, right, bottom);
  }

  /**
   * How much the picture differs from itself upside down (turned by 180 degrees): the mean
   * difference of its channels over the ink of both, 0 to 1.
   */
  double differenceWhenTurned() {
    int[] pixels = levels[2];
    long sum = 0;
    int count = 0;
    for (int i = 0; i < pixels.length; i++) {
      int a = pixels[i];
      int b = pixels[pixels.length - 1 - i];
      if (((a | b) >>> 24) != 0) {
        count++;
        for (int shift = 0; shift < 32; shift += 8) {
          sum += Math.abs((a >>> shift & 0xff) - (b >>> shift & 0xff));
        }
      }
    }
    return count == 0 ? 0 : sum / (4 * 255.0 * count);
  }

  /** The picture at its smallest size on white: red, green and blue of 16x16 pixels, 0 to 255. */
  double[] thumbnail() {
    int[] pixels = levels[LEVELS - 1];
    double[] thumbnail = new double[3 * pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      int white = 255 - (pixels[i] >>> 24);
      for (int c = 0; c < 3; c++) {
        thumbnail[3 * i + c] = white + (pixels[i] >> (16 - 8 * c) & 0xff);
      }
    }
    return thumbnail;
  }

  private static int premultiplied(double[] color) {
    int argb = (int) Math.round(255 * color[3]) << 24;
    for (int c = 0; c < 3; c++) {
      argb |= (int) Math.round(255 * color[3] * color[c]) << (16 - 8 * c);
    }
    return argb;
  }

  private static void add(double[] sum, double[] color) {
    for (int c = 0; c < 3; c++) {
      sum[c] += color[c] * color[3];
    }
    sum[3] += color[3];
  }

  private static double[] divide(double[] sum) {
    return new double[] {sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]};
  }

  private static int[] halve(int[] pixels, int side) {
    int half = side / 2;
    int[] result = new int[half * half];
    for (int y = 0; y < half; y++) {
      for (int x = 0; x < half; x++) {
        int at = 2 * y * side + 2 * x;
        int argb = 0;
        for (int shift = 0; shift < 32; shift += 8) {
          int sum =
              (pixels[at] >>> shift & 0xff)
                  + (pixels[at + 1] >>> shift & 0xff)
                  + (pixels[at + side] >>> shift & 0xff)
                  + (pixels[at + side + 1] >>> shift & 0xff);
          argb |= ((sum + 2) / 4) << shift;
        }
        result[y * half + x] = argb;
      }
    }
    return result;
  }

  /** Corners of the ink's convex hull (Andrew's monotone chain), as x and y in corpus pixels. */
  private static double[][] outline(int[] pixels) {
    List<double[]> corners = new ArrayList<>();
    for (int y = 0; y < SIDE; y++) {
      int first = -1;
      int last = -1;
      for (int x = 0; x < SIDE; x++) {
        if (pixels[y * SIDE + x] >>> 24 >= 64) {
          first = first < 0 ? x : first;
          last = x;
        }
      }
      if (first >= 0) {
        for (int edge = y; edge <= y + 1; edge++) {
          corners.add(new double[] {first, edge});
          corners.add(new double[] {last + 1, edge});
        }
      }
    }
    corners.sort(Comparator.comparingDouble((double[] p) -> p[0]).thenComparingDouble(p -> p[1]));
    List<double[]> hull = new ArrayList<>();
    for (int side = 0; side < 2; side++) {
      int start = hull.size();
      for (double[] p : corners) {
        while (hull.size() >= start + 2
            && cross(hull.get(hull.size() - 2), hull.get(hull.size() - 1), p) <= 0) {
          hull.remove(hull.size() - 1);
        }
        hull.add(p);
      }
      Collections.reverse(corners);
    }
    double[][] outline = new double[2][hull.size()];
    for (int i = 0; i < hull.size(); i++) {
      outline[0][i] = hull.get(i)[0];
      outline[1][i] = hull.get(i)[1];
    }
    return outline;
  }

  private static double cross(double[] o, double[] a, double[] b) {
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
  }

  private static double[] extent(double[] values) {
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return new double[] {least, most};
  }
}
