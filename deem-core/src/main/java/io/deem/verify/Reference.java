package io.deem.verify;

import io.deem.verify.Comparison.Contents;
import io.deem.weights.TensorSource;
import java.util.function.IntPredicate;

/**
 * The stored tensors that one engine's results are compared with. Each method adds one comparison
 * to the report.
 */
public final class Reference {

  private final Report report;
  private final TensorSource stored;
  private final String engine;
  private final double scale;

  Reference(Report report, TensorSource stored, String engine, double scale) {
    this.report = report;
    this.stored = stored;
    this.engine = engine;
    this.scale = scale;
  }

  /**
   * Compares what a network computed.
   *
   * @param name the stored tensor
   * @param actual the computed values, row-major
   * @param shape their extents, which must be the stored ones
   */
  public void output(String name, float[] actual, long... shape) {
    floats(name, Tolerance.OUTPUT, i -> true, actual, shape);
  }

  /**
   * Compares a gradient.
   *
   * @param name the stored tensor
   * @param actual the computed values, row-major
   * @param shape their extents, which must be the stored ones
   */
  public void gradient(String name, float[] actual, long... shape) {
    floats(name, Tolerance.GRADIENT, i -> true, actual, shape);
  }

  /**
   * Compares some of the elements of a tensor, with a tolerance of its own.
   *
   * @param name the stored tensor
   * @param tolerance before the report's scale
   * @param counted which elements matter, by their index in row-major order
   * @param actual the computed values, row-major
   * @param shape their extents, which must be the stored ones
   */
  public void floats(
      String name, Tolerance tolerance, IntPredicate counted, float[] actual, long... shape) {
    report.add(
        Comparison.ofFloats(
            name,
            engine,
            tolerance.times(scale),
            new Contents<>(stored.floats(name), stored.info(name).shape()),
            new Contents<>(actual, shape),
            counted));
  }

  /**
   * Compares integers, which must be equal.
   *
   * @param name the stored tensor
   * @param actual the computed values, row-major
   * @param shape their extents, which must be the stored ones
   */
  public void ids(String name, long[] actual, long... shape) {
    report.add(
        Comparison.ofLongs(
            name,
            engine,
            new Contents<>(stored.longs(name), stored.info(name).shape()),
            new Contents<>(actual, shape)));
  }
}
