package io.deem.verify;

import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/** The comparisons of a verification, passed on line by line as they are made. For one thread. */
public final class Report {

  private final List<Comparison> comparisons = new ArrayList<>();
  private final double scale;
  private final Consumer<String> lines;

  /**
   * Starts an empty report.
   *
   * @param scale what all tolerances are multiplied by; 1 for the normal ones
   * @param lines takes a line for each comparison, and the summary
   */
  public Report(double scale, Consumer<String> lines) {
    if (!(scale > 0 && scale < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "the tolerance must be scaled by more than 0, got " + scale);
    }
    this.scale = scale;
    this.lines = Objects.requireNonNull(lines, "lines");
  }

  /**
   * Starts comparing with stored tensors.
   *
   * @param stored where the expected values are
   * @param engine name of what computes, for the report
   */
  public Reference against(TensorSource stored, String engine) {
    return new Reference(this, stored, engine, scale);
  }

  /** Adds a comparison. */
  public void add(Comparison comparison) {
    comparisons.add(comparison);
    lines.accept(comparison.line());
  }

  /**
   * Compares something that is not a tensor: a text, a number, a JSON value.
   *
   * @param name its name
   * @param engine what computed it
   * @param expected the stored value
   * @param actual the computed value
   */
  public void equal(String name, String engine, Object expected, Object actual) {
    boolean ok = Objects.equals(expected, actual);
    String note = ok ? "" : "got " + actual + ", expected " + expected;
    add(new Comparison(name, engine, ok ? 0 : Double.NaN, ok ? 0 : Double.NaN, ok, note));
  }

  /**
   * Adds a failure that is not a difference of numbers.
   *
   * @param name what was to be compared
   * @param engine what was to compute it
   * @param reason why it could not
   */
  public void fail(String name, String engine, String reason) {
    add(Comparison.failure(name, engine, reason));
  }

  /** All comparisons so far. */
  public List<Comparison> comparisons() {
    return List.copyOf(comparisons);
  }

  /** How many comparisons failed. */
  public int failed() {
    return (int) comparisons.stream().filter(comparison -> !comparison.ok()).count();
  }

  /** How many comparisons passed. */
  public int passed() {
    return comparisons.size() - failed();
  }

  /** Whether there are comparisons and none failed. */
  public boolean ok() {
    return !comparisons.isEmpty() && failed() == 0;
  }

  /** The last line, {@code N passed, N failed}. */
  public String summary() {
    return passed() + " passed, " + failed() + " failed";
  }

  /** Passes the summary on. */
  void end() {
    lines.accept(summary());
  }
}
