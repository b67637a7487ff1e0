package io.deem.mini;

import java.util.Arrays;

/**
 * Tells a picture from the white that it was laid on. White that the border can reach is ground;
 * white parts inside the picture stay opaque. Pixels on the edge, which blend the two, become
 * partly transparent.
 */
final class Cutout {

  private static final int SIDE = Glyph.SIDE;
  private static final int WHITE_FROM = 250;
  private static final int UNREACHED = Integer.MAX_VALUE;

  /** Depth of all pixels from here inwards. */
  static final int DEEPEST = 8;

  /**
   * How far from white a colour must be before blending with white can be told from being light.
   */
  private static final double MIN_CONTRAST = 0.08;

  /** From a pixel to its four neighbours. */
  private static final int[][] STEPS = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};

  private final int[] rgb;
  private final boolean[] white = new boolean[SIDE * SIDE];

  /** Steps to the nearest ground pixel, 0 on the ground itself; counted up to {@link #DEEPEST}. */
  private final int[] depth = new int[SIDE * SIDE];

  private Cutout(int[] rgb) {
    this.rgb = rgb;
    for (int i = 0; i < white.length; i++) {
      white[i] = isWhite(rgb[i]);
    }
  }

  /**
   * Cuts out.
   *
   * @param rgb 128x128 pixels, opaque, on white
   * @return the cut-out picture
   */
  static Cutout of(int[] rgb) {
    Cutout cutout = new Cutout(rgb);
    cutout.flood();
    cutout.measureDepth();
    return cutout;
  }

  /** Steps from pixel i to the ground, 0 on the ground, at most {@link #DEEPEST}. */
  int depth(int i) {
    return depth[i];
  }

  /**
   * Colour and opacity of pixel i, colour not multiplied.
   *
   * @param target receives red, green, blue, alpha, each 0 to 1
   */
  void unblend(int i, double[] target) {
    for (int c = 0; c < 3; c++) {
      target[c] = channel(i, c);
    }
    target[3] = depth[i] == 0 ? 0 : 1;
    if (depth[i] != 1) {
      return;
    }
    double[] inner = innerColor(i);
    double along = 0;
    double norm = 0;
    for (int c = 0; c < 3; c++) {
      along += (1 - target[c]) * (1 - inner[c]);
      norm += (1 - inner[c]) * (1 - inner[c]);
    }
    if (norm < MIN_CONTRAST * MIN_CONTRAST) {
      return;
    }
    double alpha = Math.max(0, Math.min(1, along / norm));
    if (alpha < 0.97) {
      System.arraycopy(inner, 0, target, 0, 3);
      target[3] = alpha;
    }
  }

  private double channel(int i, int c) {
    return (rgb[i] >> (16 - 8 * c) & 0xff) / 255.0;
  }

  private static boolean isWhite(int argb) {
    return (argb >> 16 & 0xff) >= WHITE_FROM
        && (argb >> 8 & 0xff) >= WHITE_FROM
        && (argb & 0xff) >= WHITE_FROM;
  }

  /**
   * The flood passes only where three by three pixels are white, so that it leaks through no gap.
   */
  private boolean wide(int x, int y) {
    for (int v = Math.max(0, y - 1); v <= Math.min(SIDE - 1, y + 1); v++) {
      for (int u = Math.max(0, x - 1); u <= Math.min(SIDE - 1, x + 1); u++) {
        if (!white[v * SIDE + u]) {
          return false;
        }
      }
    }
    return true;
  }

  private void flood() {
    Arrays.fill(depth, UNREACHED);
    int[] queue = new int[SIDE * SIDE];
    int end = 0;
    for (int i = 0; i < depth.length; i++) {
      int x = i % SIDE;
      int y = i / SIDE;
      boolean border = x == 0 || y == 0 || x == SIDE - 1 || y == SIDE - 1;
      if (border && wide(x, y)) {
        depth[i] = 0;
        queue[end++] = i;
      }
    }
    for (int at = 0; at < end; at++) {
      int x = queue[at] % SIDE;
      int y = queue[at] / SIDE;
      for (int[] step : STEPS) {
        int u = x + step[0];
        int v = y + step[1];
        boolean inside = u >= 0 && v >= 0 && u < SIDE && v < SIDE;
        if (inside && depth[v * SIDE + u] == UNREACHED && wide(u, v)) {
          depth[v * SIDE + u] = 0;
          queue[end++] = v * SIDE + u;
        }
      }
    }
    // What the narrow passage held back: the last white pixels up to the ink.
    for (int pass = 0; pass < 2; pass++) {
      int[] before = depth.clone();
      for (int i = 0; i < depth.length; i++) {
        if (white[i] && before[i] == UNREACHED && nearest(before, i) == 0) {
          depth[i] = 0;
        }
      }
    }
  }

  private void measureDepth() {
    for (int d = 1; d < DEEPEST; d++) {
      for (int i = 0; i < depth.length; i++) {
        if (depth[i] == UNREACHED && nearest(depth, i) == d - 1) {
          depth[i] = d;
        }
      }
    }
    for (int i = 0; i < depth.length; i++) {
      depth[i] = Math.min(depth[i], DEEPEST);
    }
  }

  /** Least depth among a pixel and its eight neighbours. */
  private static int nearest(int[] depth, int i) {
    int x = i % SIDE;
    int y = i / SIDE;
    int least = depth[i];
    for (int v = Math.max(0, y - 1); v <= Math.min(SIDE - 1, y + 1); v++) {
      for (int u = Math.max(0, x - 1); u <= Math.min(SIDE - 1, x + 1); u++) {
        least = Math.min(least, depth[v * SIDE + u]);
      }
    }
    return least;
  }

  /** The unblended colour beside an edge pixel: the mean further in, or else the strongest ink. */
  private double[] innerColor(int i) {
    double[] sum = new double[3];
    int count = 0;
    int strongest = i;
    int x = i % SIDE;
    int y = i / SIDE;
    for (int v = Math.max(0, y - 2); v <= Math.min(SIDE - 1, y + 2); v++) {
      for (int u = Math.max(0, x - 2); u <= Math.min(SIDE - 1, x + 2); u++) {
        int j = v * SIDE + u;
        if (depth[j] == 2) {
          count++;
          for (int c = 0; c < 3; c++) {
            sum[c] += channel(j, c);
          }
        } else if (depth[j] == 1 && ink(j) > ink(strongest)) {
          strongest = j;
        }
      }
    }
    for (int c = 0; c < 3; c++) {
      sum[c] = count > 0 ? sum[c] / count : channel(strongest, c);
    }
    return sum;
  }

  private double ink(int i) {
    return 3 - channel(i, 0) - channel(i, 1) - channel(i, 2);
  }
}
