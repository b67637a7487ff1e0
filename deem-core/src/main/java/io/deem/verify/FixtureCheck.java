package io.deem.verify;

import io.deem.graph.Engine;
import java.io.IOException;

/** Knows one kind of fixture and how to compute its results again. */
public interface FixtureCheck {

  /** The kind's name, for messages. */
  String kind();

  /**
   * Tells whether a fixture is of this kind, by its tensor names and its configuration.
   *
   * @param fixture any fixture
   */
  boolean matches(Fixture fixture);

  /** Whether an engine has to run blocks for it. */
  default boolean needsEngine() {
    return true;
  }

  /**
   * Whether an engine can compute any of its results. One without gradients can compute the others.
   *
   * @param engine an engine of any kind
   */
  default boolean runsOn(Engine engine) {
    return true;
  }

  /**
   * Computes the results and adds a comparison for each.
   *
   * @param fixture a fixture that {@link #matches}
   * @param engine what to compute with; null if the check {@linkplain #needsEngine() needs none}
   * @param report where the comparisons go
   * @throws IOException if a file of the fixture cannot be read
   */
  void run(Fixture fixture, Engine engine, Report report) throws IOException;
}
