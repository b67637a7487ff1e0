package io.deem.training.data;

/**
 * Fills a polygon pixel for pixel as COCO's mask tools do, so that areas and overlaps agree with
 * published ones: the border is walked at five times the resolution, and the mask changes sides,
 * down a column, where the border crosses the column's middle line.
 */
final class PolygonFill {

  private static final int SCALE = 5;

  /** Corners far outside of the picture would make the walk long. */
  private static final double FARTHEST = 1 << 20;

  private final int width;
  private final int height;
  private final boolean[] changes;
  private boolean started;
  private int lastX;
  private int lastY;

  private PolygonFill(int width, int height) {
    this.width = width;
    this.height = height;
    this.changes = new boolean[width * height + 1];
  }

  /**
   * Adds the inside of a polygon to a mask.
   *
   * @param ring x and y of the corners by turns
   * @param mask [height, width]; 1 is written inside
   */
  static void fill(double[] ring, int width, int height, float[] mask) {
    PolygonFill fill = new PolygonFill(width, height);
    int corners = ring.length / 2;
    for (int i = 0; i < corners; i++) {
      int next = (i + 1) % corners;
      fill.edge(
          fine(ring[2 * i]), fine(ring[2 * i + 1]), fine(ring[2 * next]), fine(ring[2 * next + 1]));
    }
    boolean inside = false;
    for (int at = 0; at < width * height; at++) {
      inside ^= fill.changes[at];
      if (inside) {
        mask[at % height * width + at / height] = 1;
      }
    }
  }

  private static int fine(double place) {
    return (int) (SCALE * Math.max(-FARTHEST, Math.min(FARTHEST, place)) + 0.5);
  }

  /** Walks an edge along its longer axis, always from the smaller end so that both ways agree. */
  private void edge(int x0, int y0, int x1, int y1) {
    int dx = Math.abs(x1 - x0);
    int dy = Math.abs(y1 - y0);
    int steps = Math.max(dx, dy);
    boolean flat = dx >= dy;
    boolean backwards = flat ? x0 > x1 : y0 > y1;
    int startX = backwards ? x1 : x0;
    int startY = backwards ? y1 : y0;
    int endX = backwards ? x0 : x1;
    int endY = backwards ? y0 : y1;
    double slope = steps == 0 ? 0 : (double) (flat ? endY - startY : endX - startX) / steps;
    for (int step = 0; step <= steps; step++) {
      int t = backwards ? steps - step : step;
      if (flat) {
        visit(startX + t, (int) (startY + slope * t + 0.5));
      } else {
        visit((int) (startX + slope * t + 0.5), startY + t);
      }
    }
  }

  private void visit(int x, int y) {
    if (started && x != lastX) {
      double column = (Math.min(x, lastX) + 0.5) / SCALE - 0.5;
      if (Math.floor(column) == column && column >= 0 && column <= width - 1) {
        double row = (Math.min(y, lastY) + 0.5) / SCALE - 0.5;
        int from = (int) Math.ceil(Math.max(0, Math.min(height, row)));
        changes[((int) column) * height + from] ^= true;
      }
    }
    started = true;
    lastX = x;
    lastY = y;
  }
}
