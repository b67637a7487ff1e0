package io.deem.perception;

import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.timelimiter.TimeLimiter;
import io.github.resilience4j.timelimiter.TimeLimiterConfig;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * Stands before every call of a model: a bulkhead, a circuit breaker and a time limit, and a count
 * of the running calls, so that the model is freed only when the last of them has ended.
 *
 * <p>Native code cannot be stopped from outside. The time limit and closing are therefore looked at
 * by the call itself, between its steps; see {@link #call}.
 */
public final class CallGuard {

  /** How long a call waits for one of the others to end. */
  public static final int MAX_WAIT_SECONDS = 60;

  /** How long a call may take. */
  public static final int TIME_LIMIT_SECONDS = 600;

  /** Of so many calls half may fail in the engine before further ones are refused. */
  public static final int WINDOW = 20;

  /** How long they are refused. */
  public static final int PAUSE_SECONDS = 10;

  /** Limits, so that tests need not wait. */
  public record Limits(int concurrentCalls, Duration maxWait, Duration timeLimit) {
    /** As many calls as there are processors, and the constants of this class. */
    public static final Limits DEFAULT =
        new Limits(
            Runtime.getRuntime().availableProcessors(),
            Duration.ofSeconds(MAX_WAIT_SECONDS),
            Duration.ofSeconds(TIME_LIMIT_SECONDS));
  }

  private final Bulkhead bulkhead;
  private final CircuitBreaker breaker;
  private final TimeLimiter limiter;
  private final Runnable free;
  private final Object lock = new Object();

  // Both guarded by the lock; closed is also read between steps, without it.
  private int running;
  private volatile boolean closed;

  /**
   * A guard.
   *
   * @param free called once, when the guard is closed and no call runs any more
   */
  public CallGuard(String name, Limits limits, Runnable free) {
    this.free = free;
    bulkhead =
        Bulkhead.of(
            name,
            BulkheadConfig.custom()
                .maxConcurrentCalls(limits.concurrentCalls)
                .maxWaitDuration(limits.maxWait)
                .build());
    // Bad arguments, interruptions and slow requests say nothing about the engine's health.
    breaker =
        CircuitBreaker.of(
            name,
            CircuitBreakerConfig.custom()
                .slidingWindowSize(WINDOW)
                .minimumNumberOfCalls(WINDOW / 2)
                .waitDurationInOpenState(Duration.ofSeconds(PAUSE_SECONDS))
                .ignoreExceptions(
                    IllegalArgumentException.class,
                    NullPointerException.class,
                    CancellationException.class,
                    ClosedModelException.class)
                .build());
    limiter =
        TimeLimiter.of(name, TimeLimiterConfig.custom().timeoutDuration(limits.timeLimit).build());
  }

  /**
   * Runs a call.
   *
   * @param work is given what it has to run between its steps, and which ends it by throwing
   * @throws IllegalStateException if the model is or gets closed, or the engine fails
   * @throws CancellationException if the thread is interrupted or the call takes too long
   * @throws RejectedExecutionException if too many calls run or too many have failed
   */
  public <T> T call(Function<Runnable, T> work) {
    requireOpen();
    if (!bulkhead.tryAcquirePermission()) {
      throw Thread.currentThread().isInterrupted()
          ? new CancellationException("interrupted")
          : new RejectedExecutionException("too many calls run at once");
    }
    try {
      return counted(work);
    } catch (CallNotPermittedException e) {
      throw new RejectedExecutionException(
          "too many calls have failed lately; try again in " + PAUSE_SECONDS + " seconds", e);
    } finally {
      bulkhead.onComplete();
    }
  }

  /** Ends later calls and, at their next step, running ones; frees the model after the last. */
  public void close() {
    boolean idle;
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      idle = running == 0;
    }
    if (idle) {
      free.run();
    }
  }

  /** Whether a call is running. */
  public boolean isBusy() {
    synchronized (lock) {
      return running > 0;
    }
  }

  private <T> T counted(Function<Runnable, T> work) {
    synchronized (lock) {
      requireOpen();
      running++;
    }
    try {
      return breaker.executeSupplier(() -> timed(work));
    } finally {
      boolean last;
      synchronized (lock) {
        running--;
        last = closed && running == 0;
      }
      if (last) {
        free.run();
      }
    }
  }

  private <T> T timed(Function<Runnable, T> work) {
    Duration limit = limiter.getTimeLimiterConfig().getTimeoutDuration();
    long start = System.nanoTime();
    T result =
        work.apply(
            () -> {
              requireOpen();
              if (System.nanoTime() - start > limit.toNanos()) {
                limiter.onError(new TimeoutException());
                throw new CancellationException(
                    "the call exceeded its time limit of " + limit.toMillis() / 1000 + " seconds");
              }
            });
    requireOpen();
    limiter.onSuccess();
    return result;
  }

  /**
   * Checks that the model is usable.
   *
   * @throws IllegalStateException if it is closed
   */
  public void requireOpen() {
    if (closed) {
      throw new ClosedModelException();
    }
  }
}
