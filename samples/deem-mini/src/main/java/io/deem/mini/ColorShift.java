package io.deem.mini;

/**
 * An affine change of colours: three rows of factors for red, green and blue, each with a fourth
 * number that is added.
 */
final class ColorShift {

  static final ColorShift NONE = new ColorShift(new double[] {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0});

  private static final double[] LUMA = {0.299, 0.587, 0.114};

  /** What a colour's distance from gray becomes when its hue turns by 90 degrees in YIQ. */
  private static final double[][] QUARTER_TURN = {
    {0.168, 0.330, -0.498}, {-0.328, 0.035, 0.293}, {1.250, -1.047, -0.203},
  };

  private final double[] rows;

  private ColorShift(double[] rows) {
    this.rows = rows;
  }

  /** 3 by 4 numbers, row after row. */
  double[] rows() {
    return rows.clone();
  }

  /** Whether it leaves colours as they are. */
  boolean isNone() {
    return this.equals(NONE);
  }

  /** Draws one for an object. */
  static ColorShift draw(SceneRandom random, double hueDegrees, double range) {
    double hue = random.between(-hueDegrees, hueDegrees);
    double saturation = 1 + random.between(-range, range);
    double contrast = 1 + random.between(-range, range);
    double brightness = random.between(-range, range) / 2;
    return of(hue, saturation, contrast, brightness);
  }

  /**
   * Turns the hue about the gray axis in YIQ, scales the distance from gray by the saturation, the
   * distance from middle gray by the contrast, and adds the brightness.
   */
  static ColorShift of(double hueDegrees, double saturation, double contrast, double brightness) {
    if (hueDegrees == 0 && saturation == 1 && contrast == 1 && brightness == 0) {
      return NONE;
    }
    double cos = StrictMath.cos(StrictMath.toRadians(hueDegrees)) * saturation;
    double sin = StrictMath.sin(StrictMath.toRadians(hueDegrees)) * saturation;
    double[] rows = new double[12];
    for (int row = 0; row < 3; row++) {
      for (int c = 0; c < 3; c++) {
        double chroma = ((row == c ? 1 : 0) - LUMA[c]) * cos + QUARTER_TURN[row][c] * sin;
        rows[4 * row + c] = contrast * (LUMA[c] + chroma);
      }
      rows[4 * row + 3] = 0.5 * (1 - contrast) + brightness;
    }
    return new ColorShift(rows);
  }

  /** The changed colour; components are cut off at 0 and 1. */
  double[] apply(double[] rgb) {
    double[] result = new double[3];
    for (int row = 0; row < 3; row++) {
      double value =
          rows[4 * row] * rgb[0]
              + rows[4 * row + 1] * rgb[1]
              + rows[4 * row + 2] * rgb[2]
              + rows[4 * row + 3];
      result[row] = Math.max(0, Math.min(1, value));
    }
    return result;
  }
}
