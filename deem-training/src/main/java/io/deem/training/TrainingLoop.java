package io.deem.training;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats a {@link TrainingTask}: loss, backward pass, optimiser step, checkpoint.
 *
 * <p>A step's data and randomness depend on the seed and the step alone, and a checkpoint holds the
 * weights and the moments to the bit; so a run that is stopped at any moment and started again ends
 * as it would have ended.
 *
 * <p>Two runs of one recipe and seed end with the same bits, also in two processes, on one kind of
 * processor and with one number of threads. libtorch cuts its sums into as many pieces as it has
 * threads, so another number rounds otherwise: the environment variable {@code OMP_NUM_THREADS}
 * fixes it. Nothing else has to be switched on: on a CPU no operation that the networks use adds up
 * in the order in which threads happen to come.
 */
public final class TrainingLoop {

  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  /** Steps whose loss may fail to be finite before the run gives up. */
  private static final int MAX_SKIPPED_IN_A_ROW = 10;

  /**
   * What a run is.
   *
   * @param name of the stage, for progress
   * @param recipe identifies everything that decides the outcome; a checkpoint of another recipe is
   *     refused
   * @param steps in all
   * @param seed of all randomness
   * @param schedule of the learning rate
   * @param checkpoints folder for checkpoints, or null for none
   * @param checkpointEvery steps between checkpoints
   */
  public record Plan(
      String name,
      String recipe,
      long steps,
      long seed,
      LearningRateSchedule schedule,
      Path checkpoints,
      long checkpointEvery) {}

  private final TorchSession session;
  private final Optimizer optimizer;
  private final Plan plan;
  private int skippedInARow;

  /** A run. */
  public TrainingLoop(TorchSession session, Optimizer optimizer, Plan plan) {
    this.session = session;
    this.optimizer = optimizer;
    this.plan = plan;
  }

  /**
   * Trains from the newest checkpoint, or from the beginning, to the end.
   *
   * @throws IOException if a checkpoint cannot be read or written
   * @throws java.util.concurrent.CancellationException if cancelled; the state is saved first
   * @throws IllegalStateException if the loss stays not finite
   */
  public void run(TrainingTask task, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    Checkpoints checkpoints =
        plan.checkpoints == null ? null : new Checkpoints(plan.checkpoints, 2);
    long step = 0;
    if (checkpoints != null) {
      Optional<Path> newest = checkpoints.newest();
      if (newest.isPresent()) {
        loadAll(task);
        step = Checkpoints.restore(newest.get(), session, optimizer, plan.recipe);
        LOG.info("{}: resumed at step {} from {}", plan.name, step, newest.get());
      }
    }
    long first = step;
    long started = System.nanoTime();
    while (step < plan.steps) {
      if (cancellation.isCancelled() || Thread.currentThread().isInterrupted()) {
        save(checkpoints, step);
        cancellation.check();
      }
      Map<String, Double> metrics = step(task, step);
      step++;
      report(listener, task, metrics, step, (System.nanoTime() - started) / 1e9 / (step - first));
      if (step % plan.checkpointEvery == 0 || step == plan.steps) {
        save(checkpoints, step);
      }
    }
  }

  /** A step without its update, which loads every parameter that the task reads. */
  private void loadAll(TrainingTask task) {
    try (TorchScope scope = session.trainingScope()) {
      task.losses(scope, 0, random(0));
    }
  }

  private Map<String, Double> step(TrainingTask task, long step) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    TorchEngine.seed(plan.seed * 1_000_003L + step);
    try (TorchScope scope = session.trainingScope()) {
      TrainingTask.Losses losses = task.losses(scope, step, random(step));
      double total = losses.total().scalar();
      metrics.put("loss", total);
      for (Map.Entry<String, Value> part : losses.parts().entrySet()) {
        metrics.put(part.getKey(), (double) part.getValue().scalar());
      }
      double norm = Double.NaN;
      double rate = plan.schedule.factor(step);
      if (Double.isFinite(total)) {
        scope.backward(losses.total());
        norm = optimizer.step(rate);
      }
      metrics.put("gradientNorm", norm);
      metrics.put("rateFactor", rate);
      countSkipped(Double.isFinite(norm), step, total);
    }
    return metrics;
  }

  private void countSkipped(boolean done, long step, double loss) {
    skippedInARow = done ? 0 : skippedInARow + 1;
    if (!done) {
      LOG.warn(
          "{}: step {} skipped, its loss or gradient is not finite ({})", plan.name, step, loss);
    }
    if (skippedInARow > MAX_SKIPPED_IN_A_ROW) {
      throw new IllegalStateException(
          plan.name
              + ": the loss is not finite in "
              + skippedInARow
              + " steps in a row, up to "
              + step
              + "; lower the learning rate");
    }
  }

  private void report(
      ProgressListener listener,
      TrainingTask task,
      Map<String, Double> metrics,
      long step,
      double secondsPerStep) {
    listener.onProgress(
        new Progress(
            plan.name,
            step,
            plan.steps,
            metrics,
            task.itemsPerStep() / secondsPerStep,
            Duration.ofMillis((long) (1000 * secondsPerStep * (plan.steps - step)))));
  }

  private void save(Checkpoints checkpoints, long step) throws IOException {
    if (checkpoints != null) {
      checkpoints.save(session, optimizer, step, plan.recipe);
    }
  }

  private RandomSource random(long step) {
    return RandomSource.seeded(plan.seed * 1_000_003L + step);
  }
}
