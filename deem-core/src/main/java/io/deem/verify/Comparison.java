package io.deem.verify;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntPredicate;

/**
 * One stored result against the computed one.
 *
 * @param name the stored tensor's name
 * @param engine what computed
 * @param maxAbs the largest |a - b|; NaN if it cannot be told
 * @param maxRel the largest |a - b| / |b|, where |b| counts as at least the magnitude at which the
 *     absolute and the relative tolerance are equal, so that rounding around zero does not drown
 *     the rest
 * @param ok whether every element is within the tolerance
 * @param note why it failed, or what a reader has to know; empty for nothing
 */
public record Comparison(
    String name, String engine, double maxAbs, double maxRel, boolean ok, String note) {

  /**
   * Compares floating-point tensors. NaN is never equal to anything.
   *
   * @param counted which elements matter, by their index in row-major order
   */
  static Comparison ofFloats(
      String name,
      String engine,
      Tolerance tolerance,
      Contents<float[]> expected,
      Contents<float[]> actual,
      IntPredicate counted) {
    String mismatch = mismatch(expected, actual, actual.values().length);
    if (mismatch != null) {
      return failure(name, engine, mismatch);
    }
    double maxAbs = 0;
    double maxRel = 0;
    int wrong = 0;
    String first = "";
    for (int i = 0; i < expected.values().length; i++) {
      if (!counted.test(i)) {
        continue;
      }
      double a = actual.values()[i];
      double b = expected.values()[i];
      // Equal infinities differ by 0, not by NaN.
      double difference = a == b ? 0 : Math.abs(a - b);
      if (!(difference <= tolerance.absolute() + tolerance.relative() * Math.abs(b))
          || Double.isInfinite(difference)) {
        if (wrong++ == 0) {
          first = "; first at " + i + ": " + (float) a + ", expected " + (float) b;
        }
      }
      // Math.max keeps a NaN.
      maxAbs = Math.max(maxAbs, difference);
      maxRel = Math.max(maxRel, difference / Math.max(Math.abs(b), tolerance.floor()));
    }
    String note = wrong == 0 ? "" : wrong + " of " + expected.values().length + first;
    return new Comparison(name, engine, maxAbs, maxRel, wrong == 0, note);
  }

  /** Compares integers, which must be equal. */
  static Comparison ofLongs(
      String name, String engine, Contents<long[]> expected, Contents<long[]> actual) {
    String mismatch = mismatch(expected, actual, actual.values().length);
    if (mismatch != null) {
      return failure(name, engine, mismatch);
    }
    double maxAbs = 0;
    double maxRel = 0;
    String note = "";
    for (int i = 0; i < expected.values().length; i++) {
      long a = actual.values()[i];
      long b = expected.values()[i];
      if (a != b) {
        if (note.isEmpty()) {
          note = "first at " + i + ": " + a + ", expected " + b;
        }
        double difference = Math.abs((double) a - (double) b);
        maxAbs = Math.max(maxAbs, difference);
        maxRel = Math.max(maxRel, difference / Math.max(1, Math.abs((double) b)));
      }
    }
    return new Comparison(name, engine, maxAbs, maxRel, note.isEmpty(), note);
  }

  /** A result that could not be compared. */
  static Comparison failure(String name, String engine, String note) {
    return new Comparison(name, engine, Double.NaN, Double.NaN, false, note);
  }

  /**
   * The line that a report prints: name, engine, differences, verdict and, if there is one, the
   * note.
   */
  public String line() {
    String verdict = ok ? "ok" : "FAIL";
    String line =
        String.format(Locale.ROOT, "%s %s %.3g %.3g %s", name, engine, maxAbs, maxRel, verdict);
    return note.isEmpty() ? line : line + " (" + note + ")";
  }

  /** The elements and extents of a tensor. */
  record Contents<T>(T values, long... shape) {}

  private static String mismatch(Contents<?> expected, Contents<?> actual, int actualLength) {
    if (!Arrays.equals(expected.shape(), actual.shape())) {
      return "shape "
          + Arrays.toString(actual.shape())
          + ", expected "
          + Arrays.toString(expected.shape());
    }
    long elements = 1;
    for (long extent : actual.shape()) {
      elements *= extent;
    }
    return elements == actualLength
        ? null
        : actualLength + " elements for shape " + Arrays.toString(actual.shape());
  }
}
