package io.deem.verify;

/**
 * How far a computed number a may be from the stored number b: {@code |a - b| <= absolute +
 * relative |b|}.
 *
 * @param absolute the part that does not depend on b
 * @param relative the part in proportion to |b|
 */
public record Tolerance(double absolute, double relative) {

  /** For what a network computes. */
  public static final Tolerance OUTPUT = new Tolerance(1e-4, 1e-3);

  /** For gradients. */
  public static final Tolerance GRADIENT = new Tolerance(1e-3, 1e-2);

  /** Checks both parts. */
  public Tolerance {
    if (!(absolute >= 0 && relative >= 0)) {
      throw new IllegalArgumentException(
          "a tolerance cannot be negative, got " + absolute + " and " + relative);
    }
  }

  /**
   * Widens or narrows the tolerance.
   *
   * @param factor what both parts are multiplied by
   */
  public Tolerance times(double factor) {
    return new Tolerance(absolute * factor, relative * factor);
  }

  /**
   * The magnitude at which both parts weigh the same; relative differences are not taken below it.
   */
  double floor() {
    return relative > 0 && absolute > 0 ? absolute / relative : 1;
  }
}
