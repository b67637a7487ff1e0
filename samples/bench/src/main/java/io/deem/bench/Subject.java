package io.deem.bench;

import java.util.List;

/** One thing that {@code deem bench} measures. */
public interface Subject {

  /** How it is asked for. */
  String name();

  /** One line for the help. */
  String description();

  /** Whether a shape must be given. */
  boolean needsShape();

  /**
   * Measures.
   *
   * @param limits of this machine, measured in the same run
   * @throws IllegalArgumentException if the request does not fit, in one line
   */
  List<Figure> measure(Request request, Limits limits);
}
