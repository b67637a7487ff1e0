package io.deem.perception;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.model.GuidedDiffusion;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CancellationException;

/**
 * What a call looks at between its steps, and whom it tells of them.
 *
 * @param runtime ends the call by throwing
 * @param cancellation null if there is none
 */
record Watch(Runnable runtime, Cancellation cancellation, ProgressListener progress) {

  static final Watch NONE = new Watch(() -> {}, null, ProgressListener.NONE);

  private static final double NANOS = 1e9;

  Watch withRuntime(Runnable check) {
    return new Watch(check, cancellation, progress);
  }

  Watch withCancellation(Cancellation by) {
    if (cancellation == null) {
      return new Watch(runtime, by, progress);
    }
    // Both end the call.
    Runnable before = runtime;
    Cancellation first = cancellation;
    return new Watch(
        () -> {
          before.run();
          first.check();
        },
        by,
        progress);
  }

  Watch withProgress(ProgressListener listener) {
    return new Watch(runtime, cancellation, listener);
  }

  /** Ends the call by an exception if it is to end. */
  void check() {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted");
    }
    if (cancellation != null) {
      cancellation.check();
    }
    runtime.run();
  }

  /** Looks and tells after each step of a diffusion. */
  GuidedDiffusion.StepListener steps(String stage, int total) {
    long start = System.nanoTime();
    return (step, latents) -> {
      check();
      long done = step + 1L;
      double seconds = Math.max(1, System.nanoTime() - start) / NANOS;
      Duration left = Duration.ofNanos((long) (seconds / done * (total - done) * NANOS));
      progress.onProgress(new Progress(stage, done, total, Map.of(), done / seconds, left));
    };
  }
}
