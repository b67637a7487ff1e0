package io.deem.perception;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CallGuardTest {

  private static final Duration LONG = Duration.ofMinutes(10);

  private final AtomicInteger freed = new AtomicInteger();
  private final ExecutorService thread = Executors.newSingleThreadExecutor();

  @AfterEach
  void stop() {
    thread.shutdownNow();
  }

  private CallGuard guard(int concurrent, Duration wait, Duration limit) {
    return new CallGuard(
        "test", new CallGuard.Limits(concurrent, wait, limit), freed::incrementAndGet);
  }

  /** Starts a call that goes on until the latch opens, and then looks whether it may. */
  private Future<String> start(CallGuard guard, CountDownLatch end) throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    Future<String> call =
        thread.submit(
            () ->
                guard.call(
                    check -> {
                      begun.countDown();
                      await(end);
                      check.run();
                      return "done";
                    }));
    begun.await();
    return call;
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void freesAfterTheLastCall() throws Exception {
    CallGuard guard = guard(2, LONG, LONG);
    CountDownLatch end = new CountDownLatch(1);
    Future<String> running = start(guard, end);
    guard.close();
    guard.close();
    assertEquals(0, freed.get(), "a call still runs");
    assertThrows(IllegalStateException.class, () -> guard.call(check -> "late"));
    end.countDown();
    ExecutionException failure = assertThrows(ExecutionException.class, running::get);
    assertEquals("the model is closed", failure.getCause().getMessage());
    assertEquals(1, freed.get());
  }

  @Test
  void freesAtOnceWhenIdle() {
    CallGuard guard = guard(1, LONG, LONG);
    assertEquals("done", guard.call(check -> "done"));
    guard.close();
    guard.close();
    assertEquals(1, freed.get());
  }

  @Test
  void aCallThatTakesTooLongEndsAtItsNextStep() {
    CallGuard guard = guard(1, LONG, Duration.ofNanos(1));
    CancellationException late =
        assertThrows(
            CancellationException.class,
            () ->
                guard.call(
                    check -> {
                      long begun = System.nanoTime();
                      while (System.nanoTime() - begun < 10) {
                        Thread.onSpinWait();
                      }
                      check.run();
                      return "done";
                    }));
    assertTrue(late.getMessage().startsWith("the call exceeded its time limit"));
  }

  @Test
  void refusesMoreCallsThanFit() throws Exception {
    CallGuard guard = guard(1, Duration.ZERO, LONG);
    CountDownLatch end = new CountDownLatch(1);
    Future<String> running = start(guard, end);
    RejectedExecutionException refused =
        assertThrows(RejectedExecutionException.class, () -> guard.call(check -> "second"));
    assertEquals("too many calls run at once", refused.getMessage());
    end.countDown();
    assertEquals("done", running.get());
    assertEquals("third", guard.call(check -> "third"));
  }

  @Test
  void aWaitingCallCanBeInterrupted() throws Exception {
    CallGuard guard = guard(1, LONG, LONG);
    CountDownLatch end = new CountDownLatch(1);
    Future<String> running = start(guard, end);
    Thread.currentThread().interrupt();
    try {
      assertThrows(CancellationException.class, () -> guard.call(check -> "second"));
    } finally {
      Thread.interrupted();
    }
    end.countDown();
    assertEquals("done", running.get());
  }

  @Test
  void aBrokenEngineIsLeftAlone() {
    CallGuard guard = guard(1, LONG, LONG);
    for (int i = 0; i < CallGuard.WINDOW; i++) {
      // Bad arguments are no sign of a broken engine.
      assertThrows(
          IllegalArgumentException.class, () -> fail(guard, new IllegalArgumentException()));
    }
    for (int i = 0; i < CallGuard.WINDOW / 2; i++) {
      assertThrows(IllegalStateException.class, () -> fail(guard, new IllegalStateException("x")));
    }
    RejectedExecutionException refused =
        assertThrows(RejectedExecutionException.class, () -> guard.call(check -> "next"));
    assertTrue(refused.getMessage().startsWith("too many calls have failed"));
  }

  private static void fail(CallGuard guard, RuntimeException failure) {
    guard.call(
        check -> {
          throw failure;
        });
  }
}
