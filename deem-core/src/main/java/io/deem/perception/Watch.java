package io.deem.perception;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.model.GuidedDiffusion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/**
 * What a call looks at between its steps, and whom it tells of them.
 *
 * @param runtime ends the call by throwing
 * @param cancellations each ends the call
 */
record Watch(Runnable runtime, List<Cancellation> cancellations, ProgressListener progress) {

  static final Watch NONE = new Watch(() -> {}, List.of(), ProgressListener.NONE);

  private static final double NANOS = 1e9;

  Watch withRuntime(Runnable check) {
    return new Watch(check, cancellations, progress);
  }

  Watch withCancellation(Cancellation by) {
    List<Cancellation> all = new ArrayList<>(cancellations);
    all.add(by);
    return new Watch(runtime, List.copyOf(all), progress);
  }

  Watch withProgress(ProgressListener listener) {
    return new Watch(runtime, cancellations, listener);
  }

  /** Ends the call by an exception if it is to end. */
  void check() {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted");
    }
    cancellations.forEach(Cancellation::check);
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
