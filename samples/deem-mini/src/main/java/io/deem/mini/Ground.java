package io.deem.mini;

/**
 * What a scene's objects lie on.
 *
 * @param pattern how the two colours alternate
 * @param first the main colour, 0xRRGGBB
 * @param second the other colour, 0xRRGGBB; close to the first, so that no pattern hides an object
 * @param period length after which the pattern repeats, as a share of the canvas
 * @param degrees direction of the pattern
 * @param seed where the pattern starts and, for {@link Pattern#NOISE}, what it looks like
 */
public record Ground(
    Pattern pattern, int first, int second, double period, double degrees, long seed) {

  /** How two colours alternate. */
  public enum Pattern {
    /** Only the first colour. */
    PLAIN,
    /** Bands of both. */
    STRIPES,
    /** Squares of both. */
    CHECKS,
    /** Discs of the second on the first. */
    DOTS,
    /** From one to the other across the canvas. */
    GRADIENT,
    /** Soft clouds of both. */
    NOISE
  }
}
