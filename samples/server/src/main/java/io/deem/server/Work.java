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
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.annotation.DependsOn;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;

/**
 * Runs what computes: so many at once, so many waiting, the rest refused; each for so long. On the
 * way down, what runs or waits is finished, before the model is closed.
 */
@Component
@DependsOn("deem")
class Work implements DisposableBean {

  private static final Duration LONGEST_FAREWELL = Duration.ofSeconds(30);

  private final ThreadPoolExecutor threads;
  private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1);
  private final Duration timeLimit;
  private final MeterRegistry meters;
  private final Counter refused;
  private final Timer waited;

  Work(DeemProperties properties, MeterRegistry meters) {
    BlockingQueue<Runnable> queue =
        properties.queue() == 0
            ? new SynchronousQueue<>()
            : new ArrayBlockingQueue<>(properties.queue());
    threads =
        new ThreadPoolExecutor(
            properties.running(), properties.running(), 0, TimeUnit.SECONDS, queue);
    // Or the alarms of what has ended would be kept until they are due.
    clock.setRemoveOnCancelPolicy(true);
    timeLimit = properties.timeLimit();
    this.meters = meters;
    refused = Counter.builder("deem.refused").register(meters);
    waited = Timer.builder("deem.waited").publishPercentiles(0.5, 0.99).register(meters);
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

  /** Whether a task would be refused now. */
  boolean isFull() {
    return threads.getQueue().remainingCapacity() == 0
        && threads.getActiveCount() >= threads.getMaximumPoolSize();
  }

  /** What a client is told whose task is refused; counts it. */
  RequestException refuse() {
    refused.increment();
    // A guess: one more than seconds it takes to work off the queue at a request a second.
    long seconds = 1L + threads.getQueue().size() / threads.getMaximumPoolSize();
    return RequestException.busy("the server is busy; try again", seconds);
  }

  /**
   * Runs a task on another thread.
   *
   * @param kind for the metrics
   * @return cancels the task
   * @throws RequestException if there are too many
   */
  Cancellation start(String kind, Task task, Outcome outcome) {
    Job job = new Job(kind, task, outcome);
    try {
      threads.execute(job);
    } catch (RejectedExecutionException e) {
      throw refuse();
    }
    job.setAlarm();
    return job.cancellation;
  }

  /** A task on its way through the queue. */
  private final class Job implements Runnable {
    private final String kind;
    private final Task task;
    private final Outcome outcome;
    private final Cancellation cancellation = new Cancellation();
    private final Timer.Sample sample = Timer.start(meters);
    private volatile boolean late;
    private volatile boolean ended;
    private volatile ScheduledFuture<?> alarm;

    Job(String kind, Task task, Outcome outcome) {
      this.kind = kind;
      this.task = task;
      this.outcome = outcome;
    }

    /** The job may have begun, and ended, before. */
    void setAlarm() {
      alarm = clock.schedule(this::expire, timeLimit.toMillis(), TimeUnit.MILLISECONDS);
      if (ended) {
        alarm.cancel(false);
      }
    }

    private void expire() {
      late = true;
      cancellation.cancel();
      if (threads.remove(this)) {
        end(tooLong());
      }
    }

    @Override
    public void run() {
      sample.stop(waited);
      Throwable reason = null;
      try {
        cancellation.check();
        task.run(cancellation);
      } catch (CancellationException e) {
        reason = late ? tooLong() : e;
      } catch (Throwable e) {
        // Whatever it is: a client waits to be told, and the next job for this thread.
        reason = e;
      }
      end(reason);
    }

    private void end(Throwable reason) {
      ended = true;
      ScheduledFuture<?> set = alarm;
      if (set != null) {
        set.cancel(false);
      }
      sample.stop(timer(reason));
      if (reason == null) {
        outcome.done();
      } else {
        outcome.failed(reason);
      }
    }

    private Timer timer(Throwable reason) {
      String end =
          reason == null
              ? "done"
              : reason instanceof CancellationException
                  ? "cancelled"
                  : reason instanceof RequestException && late ? "late" : "failed";
      return Timer.builder("deem.request")
          .tag("kind", kind)
          .tag("outcome", end)
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
