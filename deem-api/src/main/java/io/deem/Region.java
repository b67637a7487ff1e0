package io.deem;

import io.deem.spi.ImageCodec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * A part of a picture: a box, a polygon or a mask. Immutable.
 *
 * <pre>{@code
 * eyes.describe(photo.region(Region.box(40, 10, 120, 90)));
 * eyes.ask(photo.region(Region.polygon(40, 10, 120, 50, 40, 90)), "What color is it?");
 * }</pre>
 *
 * <p>Coordinates are in pixels from the upper left corner of the picture; the pixel in column
 * {@code x} and row {@code y} is the square from {@code (x, y)} to {@code (x + 1, y + 1)}, and
 * belongs to a box or a polygon that its centre lies in.
 */
public final class Region {

  private static final int HALF = 128;

  private final Shape shape;
  private final String description;

  /** Says which pixels of a picture of some size belong to the region. */
  @FunctionalInterface
  private interface Shape {
    boolean[] inside(int width, int height);
  }

  private Region(Shape shape, String description) {
    this.shape = shape;
    this.description = description;
  }

  /**
   * A box with upright sides.
   *
   * @param left at least 0
   * @param top at least 0
   * @param right more than {@code left}; with whole numbers the first column that does not belong
   * @param bottom more than {@code top}; with whole numbers the first row that does not belong
   * @throws IllegalArgumentException if a side is turned round, negative or not a number
   */
  public static Region box(double left, double top, double right, double bottom) {
    String text = String.format(Locale.ROOT, "box %s", points(left, top, right, bottom));
    requireCoordinates(text, left, top, right, bottom);
    if (!(left < right && top < bottom)) {
      throw new IllegalArgumentException(
          text + ": left must be less than right, and top less than bottom");
    }
    double[] corners = {left, top, right, top, right, bottom, left, bottom};
    return new Region((width, height) -> Polygon.inside(text, corners, width, height), text);
  }

  /**
   * A polygon. Its sides may cross each other: a pixel belongs to it if a ray from the pixel
   * crosses them an odd number of times.
   *
   * @param coordinates x and y of each corner in turn, at least three corners; the last is joined
   *     to the first
   * @throws IllegalArgumentException if there are fewer corners, or a coordinate is negative or not
   *     a number
   */
  public static Region polygon(double... coordinates) {
    if (coordinates.length < 6 || coordinates.length % 2 != 0) {
      throw new IllegalArgumentException(
          "polygon needs x and y of at least three corners, was given "
              + coordinates.length
              + " numbers");
    }
    double[] corners = coordinates.clone();
    String text = "polygon of " + corners.length / 2 + " corners";
    requireCoordinates(text, corners);
    return new Region((width, height) -> Polygon.inside(text, corners, width, height), text);
  }

  /**
   * A mask.
   *
   * @param width of the picture that it belongs to
   * @param height of that picture
   * @param inside whether each pixel belongs to the region, rows from the top; copied
   * @throws IllegalArgumentException if the array's length is not width times height, or no pixel
   *     belongs to the region
   */
  public static Region mask(int width, int height, boolean[] inside) {
    requirePixels(width, height, inside.length);
    return ofPixels(width, height, inside.clone(), "mask of " + width + " x " + height);
  }

  /**
   * A mask of opacities, as a picture's alpha channel: the pixels of at least half opacity.
   *
   * @param width of the picture that it belongs to
   * @param height of that picture
   * @param alpha of each pixel, 0 to 255 as an unsigned byte, rows from the top
   * @throws IllegalArgumentException as {@link #mask(int, int, boolean[])} does
   */
  public static Region mask(int width, int height, byte[] alpha) {
    requirePixels(width, height, alpha.length);
    boolean[] inside = new boolean[alpha.length];
    for (int i = 0; i < alpha.length; i++) {
      inside[i] = (alpha[i] & 0xff) >= HALF;
    }
    return ofPixels(width, height, inside, "mask of " + width + " x " + height);
  }

  /**
   * A mask drawn in black and white: the bright pixels of a picture, those whose mean of red, green
   * and blue is at least 128.
   *
   * @param picture of the size of the picture that it belongs to
   * @throws IllegalArgumentException if no pixel is bright
   */
  public static Region mask(Image picture) {
    byte[] rgb = picture.toRgb();
    boolean[] inside = new boolean[rgb.length / 3];
    for (int i = 0; i < inside.length; i++) {
      int sum = (rgb[3 * i] & 0xff) + (rgb[3 * i + 1] & 0xff) + (rgb[3 * i + 2] & 0xff);
      inside[i] = sum >= 3 * HALF;
    }
    int width = picture.width();
    int height = picture.height();
    return ofPixels(width, height, inside, "mask of " + width + " x " + height);
  }

  /**
   * Reads a mask from a picture file: where the picture is transparent somewhere, its pixels of at
   * least half opacity; else its bright pixels, as {@link #mask(Image)} takes them.
   *
   * @throws ImageFormatException if it is no picture, naming the file
   * @throws IOException if it cannot be read
   * @throws IllegalArgumentException if no pixel belongs to the region
   */
  public static Region readMask(Path file) throws IOException {
    return Image.readMask(file, ImageCodec.Limits.DEFAULT);
  }

  /**
   * The pixels that belong to the region.
   *
   * @param width of the picture in pixels
   * @param height of the picture in pixels
   * @return for each pixel, rows from the top
   * @throws IllegalArgumentException if the region reaches beyond the picture, if no pixel of the
   *     picture belongs to it, or if it is a mask of another size
   */
  public boolean[] inside(int width, int height) {
    boolean[] inside = shape.inside(width, height);
    requireAny(inside, description + " has no pixel of the picture of " + width + " x " + height);
    return inside;
  }

  @Override
  public String toString() {
    return description;
  }

  private static Region ofPixels(int maskWidth, int maskHeight, boolean[] inside, String text) {
    requireAny(inside, text + " is empty: no pixel belongs to it");
    return new Region(
        (width, height) -> {
          if (width != maskWidth || height != maskHeight) {
            throw new IllegalArgumentException(
                text + " does not fit the picture of " + width + " x " + height);
          }
          return inside.clone();
        },
        text);
  }

  private static void requirePixels(int width, int height, int pixels) {
    if (width < 1 || height < 1 || (long) width * height != pixels) {
      throw new IllegalArgumentException(
          "a mask of " + width + " x " + height + " cannot have " + pixels + " pixels");
    }
  }

  private static void requireAny(boolean[] inside, String message) {
    for (boolean each : inside) {
      if (each) {
        return;
      }
    }
    throw new IllegalArgumentException(message);
  }

  private static void requireCoordinates(String name, double... coordinates) {
    for (double coordinate : coordinates) {
      if (!(coordinate >= 0 && coordinate < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            name + ": coordinates must be at least 0, was given " + Polygon.number(coordinate));
      }
    }
  }

  private static String points(double x0, double y0, double x1, double y1) {
    return Polygon.point(x0, y0) + " to " + Polygon.point(x1, y1);
  }

  /** Polygons in pixels. */
  private static final class Polygon {

    static boolean[] inside(String name, double[] corners, int width, int height) {
      for (int i = 0; i < corners.length; i += 2) {
        if (corners[i] > width || corners[i + 1] > height) {
          throw new IllegalArgumentException(
              String.format(
                  "%s: the point %s is outside the picture of %d x %d",
                  name, point(corners[i], corners[i + 1]), width, height));
        }
      }
      boolean[] inside = new boolean[Math.multiplyExact(width, height)];
      double[] crossings = new double[corners.length / 2];
      for (int row = 0; row < height; row++) {
        int count = crossings(corners, row + 0.5, crossings);
        Arrays.sort(crossings, 0, count);
        for (int i = 0; i + 1 < count; i += 2) {
          // Columns whose centre, column + 0.5, is at or right of one side and left of the next.
          int first = (int) Math.ceil(crossings[i] - 0.5);
          int end = (int) Math.ceil(crossings[i + 1] - 0.5);
          Arrays.fill(inside, row * width + first, row * width + Math.max(first, end), true);
        }
      }
      return inside;
    }

    /** Where the line at this height crosses the sides. */
    private static int crossings(double[] corners, double y, double[] crossings) {
      int count = 0;
      for (int i = 0; i < corners.length; i += 2) {
        int next = (i + 2) % corners.length;
        double y0 = corners[i + 1];
        double y1 = corners[next + 1];
        // Each side has its upper end only, so that a corner is crossed once.
        if ((y0 <= y) != (y1 <= y)) {
          double share = (y - y0) / (y1 - y0);
          crossings[count++] = corners[i] + share * (corners[next] - corners[i]);
        }
      }
      return count;
    }

    static String point(double x, double y) {
      return "(" + number(x) + ", " + number(y) + ")";
    }

    static String number(double value) {
      return value == Math.rint(value) && Math.abs(value) < 1e9
          ? Long.toString((long) value)
          : Double.toString(value);
    }
  }
}
