package io.deem.training;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import io.deem.torch.Recording;
import io.deem.torch.Regularization;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats a {@link TrainingTask}: losses, backward passes, optimiser step, checkpoint.
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

  /** What the losses on held-out data are called among the metrics. */
  public static final String VALIDATION_LOSS = "validationLoss";

  /**
   * What a run is.
   *
   * @param name of the stage, for progress
   * @param identity everything that decides the outcome; a checkpoint of another run is refused
   * @param steps in all
   * @param seed of all randomness
   * @param schedule of the learning rate
   * @param accumulation passes whose gradients are averaged for one step of the optimiser
   * @param recording what is kept for the backward pass
   * @param regularization what is dropped
   * @param checkpoints folder for checkpoints, or null for none
   * @param checkpointEvery steps between checkpoints
   * @param kept how many of the newest checkpoints stay
   */
  public record Plan(
      String name,
      RunIdentity identity,
      long steps,
      long seed,
      LearningRateSchedule schedule,
      int accumulation,
      Recording recording,
      Regularization regularization,
      Path checkpoints,
      long checkpointEvery,
      int kept) {

    public Plan {
      if (steps < 0 || accumulation < 1 || checkpointEvery < 1 || kept < 1) {
        throw new IllegalArgumentException(
            "steps must be at least 0, accumulation, checkpointEvery and kept at least 1, got "
                + List.of(steps, accumulation, checkpointEvery, kept));
      }
    }

    /** A run without accumulation or dropout that keeps two checkpoints. */
    public Plan(
        String name,
        String recipe,
        long steps,
        long seed,
        LearningRateSchedule schedule,
        Path checkpoints,
        long checkpointEvery) {
      this(
          name,
          RunIdentity.of(recipe),
          steps,
          seed,
          schedule,
          1,
          Recording.STEP,
          Regularization.NONE,
          checkpoints,
          checkpointEvery,
          2);
    }
  }

  /** Measures a model on held-out data before each checkpoint. */
  @FunctionalInterface
  public interface Validator {
    /** Measures nothing. */
    Validator NONE = step -> Map.of();

    /**
     * Measures.
     *
     * @param step steps done
     * @return metrics by name; of the checkpoints the one of the lowest {@link #VALIDATION_LOSS}
     *     stays
     */
    Map<String, Double> validate(long step) throws IOException;
  }

  /**
   * How a run went.
   *
   * @param firstStep steps that were done before, in an earlier process
   * @param steps done in all
   * @param skipped steps of this process without an update, as loss or gradient were not finite
   * @param best the checkpoint of the lowest validation loss
   */
  public record Outcome(long firstStep, long steps, List<Long> skipped, Optional<Path> best) {}

  private final TorchSession session;
  private final Optimizer optimizer;
  private final Plan plan;
  private final List<Long> skipped = new ArrayList<>();
  private int skippedInARow;

  /** A run. */
  public TrainingLoop(TorchSession session, Optimizer optimizer, Plan plan) {
    this.session = session;
    this.optimizer = optimizer;
    this.plan = plan;
  }

  /**
   * Trains without held-out data; see {@link #run(TrainingTask, Validator, ProgressListener,
   * Cancellation)}.
   */
  public Outcome run(TrainingTask task, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    return run(task, Validator.NONE, listener, cancellation);
  }

  /**
   * Trains from the newest checkpoint, or from the beginning, to the end.
   *
   * @throws IOException if a checkpoint cannot be read or written
   * @throws java.util.concurrent.CancellationException if cancelled; the state is saved first
   * @throws IllegalStateException if the loss stays not finite
   */
  public Outcome run(
      TrainingTask task, Validator validator, ProgressListener listener, Cancellation cancellation)
      throws IOException {
    Checkpoints checkpoints =
        plan.checkpoints == null ? null : new Checkpoints(plan.checkpoints, plan.kept);
    long step = checkpoints == null ? 0 : resume(checkpoints, task);
    long first = step;
    long started = System.nanoTime();
    while (step < plan.steps) {
      if (cancellation.isCancelled() || Thread.currentThread().isInterrupted()) {
        save(checkpoints, step, Double.NaN);
        cancellation.check();
      }
      Map<String, Double> metrics = step(task, step);
      step++;
      boolean pause = step % plan.checkpointEvery == 0 || step == plan.steps;
      if (pause) {
        metrics.putAll(validator.validate(step));
      }
      report(listener, task, metrics, step, (System.nanoTime() - started) / 1e9 / (step - first));
      if (pause) {
        save(checkpoints, step, metrics.getOrDefault(VALIDATION_LOSS, Double.NaN));
      }
    }
    Optional<Path> best = checkpoints == null ? Optional.empty() : checkpoints.best();
    return new Outcome(first, step, List.copyOf(skipped), best);
  }

  private long resume(Checkpoints checkpoints, TrainingTask task) throws IOException {
    Optional<Path> newest = checkpoints.newest();
    if (newest.isEmpty()) {
      return 0;
    }
    // Refused before the time that loading takes, not after.
    plan.identity.require(newest.get(), Checkpoints.describe(newest.get()).identity());
    loadAll(task);
    long step = Checkpoints.restore(newest.get(), session, optimizer, plan.identity).step();
    LOG.info("{}: resumed at step {} from {}", plan.name, step, newest.get());
    return step;
  }

  /** A step without its update, which loads every parameter that the task reads. */
  private void loadAll(TrainingTask task) {
    try (TorchScope scope = session.trainingScope()) {
      task.losses(scope, 0, random(0));
    }
  }

  private Map<String, Double> step(TrainingTask task, long step) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    boolean finite = true;
    for (int i = 0; i < plan.accumulation && finite; i++) {
      finite = pass(task, step * plan.accumulation + i, metrics);
    }
    double norm = Double.NaN;
    double rate = plan.schedule.factor(step);
    if (finite) {
      norm = optimizer.step(rate);
    } else {
      session.clearGradients();
    }
    metrics.put("gradientNorm", norm);
    metrics.put("rateFactor", rate);
    countSkipped(Double.isFinite(norm), step, metrics.get("loss"));
    return metrics;
  }

  /**
   * Forward and backward once.
   *
   * @param position of this pass among those of the run
   * @param metrics the losses' means over the step's passes are added up here
   * @return whether the loss is finite; else there was no backward pass
   */
  private boolean pass(TrainingTask task, long position, Map<String, Double> metrics) {
    try (TorchScope scope = session.trainingScope(plan.recording)) {
      TorchEngine.seed(plan.seed * 1_000_003L + position);
      scope.regularize(plan.regularization, noise(position));
      TrainingTask.Losses losses = task.losses(scope, position, random(position));
      double total = losses.total().scalar();
      metrics.merge("loss", total / plan.accumulation, Double::sum);
      for (Map.Entry<String, Value> part : losses.parts().entrySet()) {
        double value = part.getValue().scalar();
        metrics.merge(part.getKey(), value / plan.accumulation, Double::sum);
      }
      if (!Double.isFinite(total)) {
        return false;
      }
      if (plan.accumulation == 1) {
        scope.backward(losses.total());
      } else {
        Value share = scope.floats(new float[] {1f / plan.accumulation});
        scope.backward(losses.total(), share, false);
      }
      return true;
    }
  }

  private void countSkipped(boolean done, long step, double loss) {
    skippedInARow = done ? 0 : skippedInARow + 1;
    if (!done) {
      skipped.add(step);
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
            task.itemsPerStep() * plan.accumulation / secondsPerStep,
            Duration.ofMillis((long) (1000 * secondsPerStep * (plan.steps - step)))));
  }

  private void save(Checkpoints checkpoints, long step, double validationLoss) throws IOException {
    if (checkpoints != null) {
      long position = step * plan.accumulation;
      checkpoints.save(
          session,
          optimizer,
          new Checkpoints.State(step, position, plan.seed, validationLoss, plan.identity));
    }
  }

  private RandomSource random(long position) {
    return RandomSource.seeded(plan.seed * 1_000_003L + position);
  }

  /** Another stream, so that dropping elements changes nothing else that is drawn. */
  private RandomSource noise(long position) {
    return RandomSource.seeded(~(plan.seed * 1_000_003L + position));
  }
}
