package io.deem.training;

import io.deem.Cancellation;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Lets a run end well when the process is asked to end, by SIGTERM or Ctrl-C: cancels the run and
 * holds the process until it has saved and closed itself. libtorch must not be unloaded while a
 * step runs.
 *
 * <pre>{@code
 * try (SaveOnShutdown guard = SaveOnShutdown.guard()) {
 *   trainer.train(listener, guard.cancellation());
 * }
 * }</pre>
 */
public final class SaveOnShutdown implements AutoCloseable {

  private final Cancellation cancellation = new Cancellation();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread hook;

  private SaveOnShutdown(Duration patience) {
    hook =
        new Thread(
            () -> {
              cancellation.cancel();
              try {
                ended.await(patience.toMillis(), TimeUnit.MILLISECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "save on shutdown");
  }

  /** Guards a run; waits for its end as long as ten minutes. */
  public static SaveOnShutdown guard() {
    SaveOnShutdown guard = new SaveOnShutdown(Duration.ofMinutes(10));
    Runtime.getRuntime().addShutdownHook(guard.hook);
    return guard;
  }

  /** What the run has to look at; cancelled when the process is asked to end. */
  public Cancellation cancellation() {
    return cancellation;
  }

  /** The run has ended; the process need not wait for it any more. */
  @Override
  public void close() {
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending: the hook runs, and now ends.
      return;
    }
  }
}
