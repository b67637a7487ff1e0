package io.deem;

/**
 * Is told how long work gets on, from the thread that does it. An exception from a listener ends
 * the work.
 */
@FunctionalInterface
public interface ProgressListener {

  /** A listener that does nothing. */
  ProgressListener NONE = progress -> {};

  /** Called after each step. */
  void onProgress(Progress progress);
}
