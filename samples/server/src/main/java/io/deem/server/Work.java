package io.deem.server;

import io.deem.Cancellation;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;

/**
 * Runs what computes: so many at once, so many waiting, the rest refused; each for so long. On the
 * way down, what runs or waits is finished.
 */
@Component
class Work implements DisposableBean {

  private static final Duration LONGEST_FAREWELL = Duration.ofSeconds(30);

  private final ThreadPoolExecutor threads;
  private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
  private final Duration timeLimit;
  private final MeterRegistry meters;
  private final Counter refused;

  Work(DeemProperties properties, MeterRegistry meters) {
    BlockingQueue<Runnable> queue =
        properties.queue() == 0
            ? new SynchronousQueue<>()
            : new ArrayBlockingQueue<>(properties.queue());
    threads =
        new ThreadPoolExecutor(
            properties.running(), properties.running(), 0, TimeUnit.SECONDS, queue);
    timeLimit = properties.timeLimit();
    this.meters = meters;
    refused = Counter.builder("deem.refused").register(meters);
    Gauge.builder("deem.waiting", threads, pool -> pool.getQueue().size()).register(meters);
    Gauge.builder("deem.running", threads, ThreadPoolExecutor::getActiveCount).register(meters);
  }

  /** Something that computes until it is cancelled. */
  @FunctionalInterface
  interface Task {
    void run(Cancellation cancellation) throws Exception;
  }

  /** Told of a task's end. */
  interface Outcome {
    /** It has run to its end. */
    void done();

    /** It has not, and why. */
    void failed(Throwable reason);
  }

  /**
   * Runs a task on another thread.
   *
   * @param kind for the metrics
   * @return cancels the task
   * @throws RequestException if there are too many
   */
  Cancellation start(String kind, Task task, Outcome outcome) {
    Cancellation cancellation = new Cancellation();
    AtomicBoolean late = new AtomicBoolean();
    ScheduledFuture<?> alarm =
        clock.schedule(
            () -> {
              late.set(true);
              cancellation.cancel();
            },
            timeLimit.toMillis(),
            TimeUnit.MILLISECONDS);
    Timer.Sample sample = Timer.start(meters);
    try {
      threads.execute(
          () -> {
            Throwable reason = null;
            try {
              cancellation.check();
              task.run(cancellation);
            } catch (CancellationException e) {
              reason = late.get() ? tooLong() : e;
            } catch (Exception | LinkageError | OutOfMemoryError e) {
              reason = e;
            }
            alarm.cancel(false);
            sample.stop(timer(kind, reason == null ? "done" : late.get() ? "late" : "failed"));
            if (reason == null) {
              outcome.done();
            } else {
              outcome.failed(reason);
            }
          });
    } catch (RejectedExecutionException e) {
      alarm.cancel(false);
      refused.increment();
      throw RequestException.busy("the server is busy; try again", retryAfterSeconds());
    }
    return cancellation;
  }

  private Timer timer(String kind, String outcome) {
    return Timer.builder("deem.request")
        .tag("kind", kind)
        .tag("outcome", outcome)
        .publishPercentiles(0.5, 0.99)
        .register(meters);
  }

  private RequestException tooLong() {
    return RequestException.of(
        HttpStatus.GATEWAY_TIMEOUT,
        "server_error",
        "timeout",
        "the request took longer than " + timeLimit.toMillis() / 1000.0 + " s");
  }

  /** A guess: one more than seconds it takes to work off the queue at a request a second. */
  private long retryAfterSeconds() {
    return 1L + threads.getQueue().size() / threads.getMaximumPoolSize();
  }

  @Override
  public void destroy() throws InterruptedException {
    threads.shutdown();
    if (!threads.awaitTermination(LONGEST_FAREWELL.toSeconds(), TimeUnit.SECONDS)) {
      threads.shutdownNow();
    }
    clock.shutdownNow();
  }
}
