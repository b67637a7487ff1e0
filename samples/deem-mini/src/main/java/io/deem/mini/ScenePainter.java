package io.deem.mini;

/** A canvas on which a ground and turned, scaled glyphs are painted, all of it antialiased. */
final class ScenePainter {

  private final int canvas;
  private final float[] rgb;

  ScenePainter(int canvas) {
    this.canvas = canvas;
    this.rgb = new float[canvas * canvas * 3];
  }

  void paint(Ground ground) {
    GroundPainter.paint(ground, rgb, canvas);
  }

  /**
   * Paints a glyph over what is there.
   *
   * @param turned the glyph's box after turning, for ink of size 1
   * @param place where it goes
   */
  void paint(Glyph glyph, double degrees, Box turned, Layout.Place place, ColorShift shift) {
    double scale = place.size() * canvas / glyph.inkSide();
    int level = Glyph.levelFor(scale);
    double step = 1 / (scale * (1 << level));
    float cos = (float) (StrictMath.cos(StrictMath.toRadians(degrees)) * step);
    float sin = (float) (StrictMath.sin(StrictMath.toRadians(degrees)) * step);
    // The ink's middle, about which it is turned, on the canvas and in the level's pixels.
    float middleX = (float) ((place.box().left() - place.size() * turned.left()) * canvas);
    float middleY = (float) ((place.box().top() - place.size() * turned.top()) * canvas);
    float glyphX = (float) (glyph.centerX() / (1 << level)) - 0.5f;
    float glyphY = (float) (glyph.centerY() / (1 << level)) - 0.5f;
    Sampler sampler = new Sampler(glyph.level(level), Glyph.SIDE >> level, shift);
    int left = Math.max(0, (int) (place.box().left() * canvas) - 2);
    int right = Math.min(canvas - 1, (int) (place.box().right() * canvas) + 2);
    int top = Math.max(0, (int) (place.box().top() * canvas) - 2);
    int bottom = Math.min(canvas - 1, (int) (place.box().bottom() * canvas) + 2);
    for (int y = top; y <= bottom; y++) {
      for (int x = left; x <= right; x++) {
        float dx = x + 0.5f - middleX;
        float dy = y + 0.5f - middleY;
        sampler.paint(
            glyphX + cos * dx + sin * dy, glyphY + cos * dy - sin * dx, rgb, 3 * (y * canvas + x));
      }
    }
  }

  Raster finish() {
    byte[] bytes = new byte[rgb.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (int) Math.max(0, Math.min(255, rgb[i] + 0.5f));
    }
    return new Raster(canvas, canvas, bytes);
  }

  /** Reads a glyph between its pixels and lays the shifted colour over the canvas. */
  private static final class Sampler {
    private final int[] pixels;
    private final int side;
    private final float[] rows = new float[12];
    private final boolean shifted;

    Sampler(int[] pixels, int side, ColorShift shift) {
      this.pixels = pixels;
      this.side = side;
      this.shifted = !shift.isNone();
      double[] exact = shift.rows();
      for (int i = 0; i < rows.length; i++) {
        rows[i] = (float) exact[i];
      }
    }

    void paint(float x, float y, float[] rgb, int at) {
      int i = (int) Math.floor(x);
      int j = (int) Math.floor(y);
      if (i < -1 || j < -1 || i >= side || j >= side) {
        return;
      }
      float s = x - i;
      float t = y - j;
      int a = pixel(i, j);
      int b = pixel(i + 1, j);
      int c = pixel(i, j + 1);
      int d = pixel(i + 1, j + 1);
      if (((a | b | c | d) & 0xff000000) == 0) {
        return;
      }
      float wa = (1 - s) * (1 - t);
      float wb = s * (1 - t);
      float wc = (1 - s) * t;
      float wd = s * t;
      float alpha = wa * (a >>> 24) + wb * (b >>> 24) + wc * (c >>> 24) + wd * (d >>> 24);
      float red = wa * red(a) + wb * red(b) + wc * red(c) + wd * red(d);
      float green = wa * green(a) + wb * green(b) + wc * green(c) + wd * green(d);
      float blue = wa * (a & 0xff) + wb * (b & 0xff) + wc * (c & 0xff) + wd * (d & 0xff);
      float keep = 1 - alpha / 255;
      if (shifted) {
        rgb[at] = rgb[at] * keep + shift(0, red, green, blue, alpha);
        rgb[at + 1] = rgb[at + 1] * keep + shift(4, red, green, blue, alpha);
        rgb[at + 2] = rgb[at + 2] * keep + shift(8, red, green, blue, alpha);
      } else {
        rgb[at] = rgb[at] * keep + red;
        rgb[at + 1] = rgb[at + 1] * keep + green;
        rgb[at + 2] = rgb[at + 2] * keep + blue;
      }
    }

    /** One row of the shift; alpha, 0 to 255, brings the added number to the scale of the rest. */
    private float shift(int row, float red, float green, float blue, float alpha) {
      float value =
          rows[row] * red + rows[row + 1] * green + rows[row + 2] * blue + rows[row + 3] * alpha;
      return Math.max(0, Math.min(alpha, value));
    }

    private int pixel(int i, int j) {
      return i < 0 || j < 0 || i >= side || j >= side ? 0 : pixels[j * side + i];
    }

    private static int red(int argb) {
      return argb >> 16 & 0xff;
    }

    private static int green(int argb) {
      return argb >> 8 & 0xff;
    }
  }
}
