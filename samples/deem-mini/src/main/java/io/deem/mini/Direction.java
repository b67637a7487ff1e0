package io.deem.mini;

import java.util.Optional;

/** Where one object is, seen from another. */
public enum Direction {
  /** At smaller x. */
  LEFT("to the left of"),
  /** At greater x. */
  RIGHT("to the right of"),
  /** At smaller y. */
  ABOVE("above"),
  /** At greater y. */
  BELOW("below");

  /** Least distance of two middles, as a share of the canvas, for a direction to be clear. */
  static final double CLEAR = 0.15;

  private final String words;

  Direction(String words) {
    this.words = words;
  }

  /** The preposition, such as "to the left of". */
  public String words() {
    return words;
  }

  /** The direction seen from the other object. */
  public Direction opposite() {
    return switch (this) {
      case LEFT -> RIGHT;
      case RIGHT -> LEFT;
      case ABOVE -> BELOW;
      case BELOW -> ABOVE;
    };
  }

  /**
   * Where {@code a} is, seen from {@code b}: along the axis on which their middles are farther
   * apart. Empty where that distance is less than 0.15 of the canvas.
   */
  public static Optional<Direction> of(PlacedObject a, PlacedObject b) {
    double dx = a.x() - b.x();
    double dy = a.y() - b.y();
    if (Math.max(Math.abs(dx), Math.abs(dy)) < CLEAR) {
      return Optional.empty();
    }
    if (Math.abs(dx) >= Math.abs(dy)) {
      return Optional.of(dx < 0 ? LEFT : RIGHT);
    }
    return Optional.of(dy < 0 ? ABOVE : BELOW);
  }

  /** How far {@code a} lies from {@code b} in this direction; negative on the other side. */
  double distance(PlacedObject a, PlacedObject b) {
    return switch (this) {
      case LEFT -> b.x() - a.x();
      case RIGHT -> a.x() - b.x();
      case ABOVE -> b.y() - a.y();
      case BELOW -> a.y() - b.y();
    };
  }
}
