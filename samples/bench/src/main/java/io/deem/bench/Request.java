package io.deem.bench;

import java.util.List;
import java.util.Optional;

/**
 * What is to be measured, and how thoroughly.
 *
 * @param shape of what; empty for the machine alone
 * @param precisions {@code fp32}, {@code int8}, {@code int4}
 * @param threads threads for one computation
 * @param effort how long to measure
 */
public record Request(Optional<Shape> shape, List<String> precisions, int threads, Effort effort) {

  /** Copies the list. */
  public Request {
    precisions = List.copyOf(precisions);
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
  }

  /**
   * How long each measurement takes.
   *
   * @param forks fresh JVMs, each of which measures everything again; 0 to stay in this one
   * @param warmups iterations that do not count
   * @param iterations iterations that count
   * @param milliseconds of one iteration
   * @param megabytes of memory that is read, far more than any cache holds
   * @param matrixSide rows and columns of the matrices
   */
  public record Effort(
      int forks, int warmups, int iterations, int milliseconds, int megabytes, int matrixSide) {

    /** About a quarter of a minute for each limit. */
    public static final Effort FULL = new Effort(1, 3, 8, 500, 1024, 2048);
  }
}
