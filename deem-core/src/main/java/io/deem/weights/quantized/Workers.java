package io.deem.weights.quantized;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Does a list of tasks with several threads, the caller's among them. */
final class Workers {

  /** The tasks of one thread. */
  @FunctionalInterface
  interface Worker {
    void run(int task) throws IOException;
  }

  /** Makes what one thread works with. */
  @FunctionalInterface
  interface Hiring {
    Worker hire();
  }

  /** Told, in the caller's thread, how many tasks have been started. */
  @FunctionalInterface
  interface Watch {
    void started(int tasks);
  }

  private Workers() {}

  /**
   * Runs tasks 0 to {@code tasks - 1}, each once, and returns when all are done. The first failure
   * ends the work and is thrown; so does interrupting the caller.
   */
  static void run(int threads, int tasks, Hiring hiring, Watch watch) throws IOException {
    // Before the others start: they might leave nothing for the caller to do, and to tell of.
    watch.started(0);
    AtomicInteger next = new AtomicInteger();
    AtomicBoolean stop = new AtomicBoolean();
    List<FutureTask<Void>> others = new ArrayList<>();
    for (int t = 1; t < Math.min(threads, tasks); t++) {
      FutureTask<Void> other =
          new FutureTask<>(
              () -> {
                work(hiring.hire(), next, tasks, stop, started -> {});
                return null;
              });
      Thread thread = new Thread(other, "deem-quantize-" + t);
      thread.setDaemon(true);
      thread.start();
      others.add(other);
    }
    try {
      work(
          hiring.hire(),
          next,
          tasks,
          stop,
          started -> {
            if (Thread.currentThread().isInterrupted()) {
              throw new Interrupted();
            }
            watch.started(started);
          });
    } catch (Interrupted e) {
      InterruptedIOException interrupted = new InterruptedIOException("quantising was interrupted");
      interrupted.initCause(e);
      throw interrupted;
    } finally {
      // Nothing may still be writing when the caller gives up its file.
      awaitEnd(others);
    }
    for (FutureTask<Void> other : others) {
      result(other);
    }
  }

  private static void work(
      Worker worker, AtomicInteger next, int tasks, AtomicBoolean stop, Watch watch)
      throws IOException {
    boolean done = false;
    try {
      int task;
      while (!stop.get() && (task = next.getAndIncrement()) < tasks) {
        watch.started(task);
        worker.run(task);
      }
      done = true;
    } finally {
      if (!done) {
        stop.set(true);
      }
    }
  }

  private static void awaitEnd(List<FutureTask<Void>> others) {
    boolean interrupted = false;
    for (FutureTask<Void> other : others) {
      while (!other.isDone()) {
        try {
          other.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          break;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void result(FutureTask<Void> done) throws IOException {
    try {
      done.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("quantising was interrupted");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      if (e.getCause() instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private static final class Interrupted extends RuntimeException {
    Interrupted() {
      super(null, null, false, false);
    }
  }
}
