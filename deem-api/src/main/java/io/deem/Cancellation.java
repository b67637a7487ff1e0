package io.deem;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Lets one thread stop the long work of another, at its next token, diffusion step or training
 * step. Safe for use from many threads; once cancelled, it stays so.
 */
public final class Cancellation {

  private final AtomicBoolean cancelled = new AtomicBoolean();

  /** Asks the work to stop. */
  public void cancel() {
    cancelled.set(true);
  }

  /** Whether {@link #cancel} was called. */
  public boolean isCancelled() {
    return cancelled.get();
  }

  /**
   * Called by the work between its steps.
   *
   * @throws CancellationException if the work was cancelled or its thread interrupted
   */
  public void check() {
    if (isCancelled()) {
      throw new CancellationException("cancelled");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted");
    }
  }
}
