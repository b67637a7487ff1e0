package io.deem.spi;

import io.deem.Deem;
import io.deem.DeemOptions;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Opens models on one kind of hardware. Implementations have a public constructor without
 * arguments.
 */
public interface RuntimeProvider {

  /** A short name that an application can ask for, for example {@code cpu}. */
  String name();

  /** Of the usable providers the one of highest priority opens a model: CPU 0, GPU 100. */
  int priority();

  /**
   * Why this provider cannot work here.
   *
   * @return null if it can, else one line that says what is missing
   */
  String unusableBecause();

  /**
   * Opens a model folder.
   *
   * @throws IOException if the folder is not a model, in one line that names the file
   */
  Deem open(Path folder, DeemOptions options) throws IOException;
}
