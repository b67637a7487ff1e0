package io.deem.portable;

/** A product and a sum with one rounding. */
public final class FusedMultiplyAdd {

  private FusedMultiplyAdd() {}

  /** {@code a * b + c}, rounded once: {@link Math#fma(float, float, float)}. */
  public static float of(float a, float b, float c) {
    double product = (double) a * b; // exact: 24 bits times 24 bits fit in 53
    double sum = product + c;
    // What the sum lost, exactly (Knuth).
    double rest = sum - product;
    double lost = (product - (sum - rest)) + (c - rest);
    if (lost == 0 || Double.isNaN(lost) || (Double.doubleToRawLongBits(sum) & 1) == 1) {
      return (float) sum;
    }
    // Rounded to odd, so that the second rounding goes where one alone had gone.
    return (float) (lost > 0 ? Math.nextUp(sum) : Math.nextDown(sum));
  }
}
