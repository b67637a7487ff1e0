package io.deem;

import java.io.IOException;
import java.nio.file.Path;

/** A finished alignment: the weights that did best, and the report of how they were found. */
public interface Alignment extends AutoCloseable {

  /** What was done and measured. */
  AlignmentReport report();

  /**
   * Writes the aligned model as a model folder, its weights in the type of the model that it comes
   * from, with provenance: images, strategy, seed, steps and parent.
   *
   * @param folder made if it is not there; not the folder of the open model
   * @throws IOException if it cannot be written
   * @throws IllegalArgumentException if it is the open model's folder
   * @throws IllegalStateException if the open model is closed
   */
  void save(Path folder) throws IOException;

  /**
   * Gives the open model the aligned weights, between two calls of its perceiver.
   *
   * @throws IllegalStateException if the open model is closed
   */
  void apply();

  /** Lets go of the weights. */
  @Override
  void close();
}
