package io.deem.mini;

/**
 * A box with sides along the canvas, in shares of the canvas: 0 is the left or upper border, 1 the
 * right or lower one.
 *
 * @param left least x
 * @param top least y
 * @param right greatest x
 * @param bottom greatest y
 */
public record Box(double left, double top, double right, double bottom) {

  /** Width times height. */
  public double area() {
    return (right - left) * (bottom - top);
  }

  /** X of the middle. */
  public double centerX() {
    return (left + right) / 2;
  }

  /** Y of the middle. */
  public double centerY() {
    return (top + bottom) / 2;
  }

  /** Area that both share, as a share of the smaller one: 0 apart, 1 when one lies in the other. */
  public double overlap(Box other) {
    double width = Math.min(right, other.right) - Math.max(left, other.left);
    double height = Math.min(bottom, other.bottom) - Math.max(top, other.top);
    return width <= 0 || height <= 0 ? 0 : width * height / Math.min(area(), other.area());
  }

  /** This box grown by a factor about the origin, then moved. */
  Box scaledAndMoved(double factor, double x, double y) {
    return new Box(x + left * factor, y + top * factor, x + right * factor, y + bottom * factor);
  }
}
