package io.deem.training.data;

import io.deem.Image;
import io.deem.text.prompt.RegionMask;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** A part of a picture, as annotations give it; lengths are in pixels of the original picture. */
public sealed interface RegionShape {

  /** Pixels of a picture that a mask may have. */
  long MOST_PIXELS = 64_000_000L;

  /**
   * The part as a mask.
   *
   * @param width of the picture
   * @param height of the picture
   * @throws IOException if the shape is of another size, or its file cannot be read
   */
  RegionMask mask(int width, int height) throws IOException;

  /**
   * A rectangle.
   *
   * @param left distance from the left border
   * @param top distance from the upper border
   * @param width at least 0
   * @param height at least 0
   */
  record Box(double left, double top, double width, double height) implements RegionShape {

    /** Checks that the numbers are finite and the sides are not negative. */
    public Box {
      boolean finite = Double.isFinite(left + top + width + height);
      if (!finite || width < 0 || height < 0) {
        throw new IllegalArgumentException(
            "a box at (" + left + ", " + top + ") of " + width + " x " + height);
      }
    }

    /** Distance of the right side from the left border. */
    public double right() {
      return left + width;
    }

    /** Distance of the lower side from the upper border. */
    public double bottom() {
      return top + height;
    }

    @Override
    public RegionMask mask(int pictureWidth, int pictureHeight) {
      float[] values = blank(pictureWidth, pictureHeight);
      for (int y = 0; y < pictureHeight; y++) {
        for (int x = 0; x < pictureWidth; x++) {
          boolean inside =
              x + 0.5 >= left && x + 0.5 < right() && y + 0.5 >= top && y + 0.5 < bottom();
          values[y * pictureWidth + x] = inside ? 1 : 0;
        }
      }
      return new RegionMask(values, pictureHeight, pictureWidth);
    }
  }

  /**
   * The inside of polygons, as COCO's tools fill them.
   *
   * @param rings x and y of the corners of each, by turns; at least three corners
   */
  record Polygons(List<double[]> rings) implements RegionShape {

    /** Checks and copies the corners. */
    public Polygons {
      rings = rings.stream().map(double[]::clone).toList();
      for (double[] ring : rings) {
        boolean finite = Arrays.stream(ring).allMatch(Double::isFinite);
        if (ring.length < 6 || ring.length % 2 != 0 || !finite) {
          throw new IllegalArgumentException(
              "a polygon needs x and y of at least three corners, and has "
                  + ring.length
                  + " numbers");
        }
      }
    }

    @Override
    public RegionMask mask(int width, int height) {
      float[] values = blank(width, height);
      for (double[] ring : rings) {
        PolygonFill.fill(ring, width, height, values);
      }
      return new RegionMask(values, height, width);
    }
  }

  /**
   * Runs of pixels column by column, alternately outside and inside, as COCO has them.
   *
   * @param counts lengths of the runs, the first one outside
   * @param width of the picture
   * @param height of the picture
   */
  record Runs(int[] counts, int width, int height) implements RegionShape {

    /** Checks that the runs cover the picture. */
    public Runs {
      counts = counts.clone();
      long sum = 0;
      for (int count : counts) {
        sum += count;
        if (count < 0) {
          throw new IllegalArgumentException("a run of " + count + " pixels");
        }
      }
      if (width < 1 || height < 1 || sum != (long) width * height || sum > MOST_PIXELS) {
        throw new IllegalArgumentException(
            "runs of " + sum + " pixels for a picture of " + width + " x " + height);
      }
    }

    /**
     * Reads the text that COCO's tools compress runs to: five bits a character, the sixth telling
     * that more follow; from the fourth run on the difference to the run before the last.
     *
     * @throws IllegalArgumentException if it is no such text, or does not cover the picture
     */
    public static Runs ofText(String text, int width, int height) {
      int[] counts = new int[text.length()];
      int runs = 0;
      int at = 0;
      while (at < text.length()) {
        long value = 0;
        int bits = 0;
        int part;
        do {
          if (at == text.length() || bits > 30) {
            throw new IllegalArgumentException("compressed runs are cut off");
          }
          part = text.charAt(at++) - '0';
          if (part < 0 || part > 63) {
            throw new IllegalArgumentException(
                "compressed runs have a character that is not theirs");
          }
          value |= (long) (part & 0x1f) << bits;
          bits += 5;
        } while ((part & 0x20) != 0);
        if ((part & 0x10) != 0) {
          value |= -1L << bits;
        }
        value += runs > 2 ? counts[runs - 2] : 0;
        if (value < 0 || value > MOST_PIXELS) {
          throw new IllegalArgumentException("a run of " + value + " pixels");
        }
        counts[runs++] = (int) value;
      }
      return new Runs(Arrays.copyOf(counts, runs), width, height);
    }

    @Override
    public int[] counts() {
      return counts.clone();
    }

    @Override
    public RegionMask mask(int pictureWidth, int pictureHeight) throws IOException {
      requireSize("runs", width, height, pictureWidth, pictureHeight);
      float[] values = blank(width, height);
      int at = 0;
      for (int run = 0; run < counts.length; run++) {
        int end = at + counts[run];
        for (; at < end; at++) {
          values[at % height * width + at / height] = run & 1;
        }
      }
      return new RegionMask(values, height, width);
    }
  }

  /**
   * A picture of the mask's size: black outside, anything else inside.
   *
   * @param source best a PNG, since JPEG blurs the edge
   */
  record MaskPicture(ImageSource source) implements RegionShape {

    @Override
    public RegionMask mask(int width, int height) throws IOException {
      Image picture = source.read();
      requireSize(source.name(), picture.width(), picture.height(), width, height);
      float[] values = blank(width, height);
      byte[] rgb = picture.toRgb();
      for (int i = 0; i < values.length; i++) {
        values[i] = (rgb[3 * i] | rgb[3 * i + 1] | rgb[3 * i + 2]) != 0 ? 1 : 0;
      }
      return new RegionMask(values, height, width);
    }
  }

  private static float[] blank(int width, int height) {
    if (width < 1 || height < 1 || (long) width * height > MOST_PIXELS) {
      throw new IllegalArgumentException("a mask of " + width + " x " + height);
    }
    return new float[width * height];
  }

  private static void requireSize(
      String name, int width, int height, int wantedWidth, int wantedHeight) throws IOException {
    if (width != wantedWidth || height != wantedHeight) {
      throw new IOException(
          String.format(
              "%s: a mask of %d x %d for a picture of %d x %d",
              name, width, height, wantedWidth, wantedHeight));
    }
  }
}
