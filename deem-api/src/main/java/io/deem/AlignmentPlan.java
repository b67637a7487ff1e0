package io.deem;

import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * What an alignment is to do; made by {@link Aligner}, read by runtimes.
 *
 * @param strategy whose feedback
 * @param images to learn from and, a share of them, to measure on
 * @param steps of the optimiser in all, at least 1
 * @param batchSize images in a step, at least 1
 * @param learningRate of what is aligned; 0 for the strategy's own
 * @param seed of all randomness
 * @param heldOutShare of the images that fidelity is measured on and nothing learns from, between 0
 *     and 1
 * @param evaluateEvery steps between measurements; 0 for a fifth of all steps
 * @param mostBroken the share of images that may be unreadable, from 0 to 1
 * @param work a folder for checkpoints, from which a run that was stopped goes on; null for none
 */
public record AlignmentPlan(
    AlignmentStrategy strategy,
    ImageSet images,
    int steps,
    int batchSize,
    double learningRate,
    long seed,
    double heldOutShare,
    int evaluateEvery,
    double mostBroken,
    Path work) {

  static final AlignmentPlan DEFAULT =
      new AlignmentPlan(AlignmentStrategy.DEEM, null, 300, 8, 0, 0, 0.1, 0, 0.01, null);

  public AlignmentPlan {
    Objects.requireNonNull(strategy, "strategy");
    require(steps >= 1, "steps must be at least 1", steps);
    require(batchSize >= 1, "batchSize must be at least 1", batchSize);
    require(
        learningRate >= 0 && learningRate < Double.POSITIVE_INFINITY,
        "learningRate must be positive",
        learningRate);
    require(
        heldOutShare > 0 && heldOutShare < 1, "heldOutShare must be between 0 and 1", heldOutShare);
    require(evaluateEvery >= 0, "evaluateEvery must be at least 0", evaluateEvery);
    require(mostBroken >= 0 && mostBroken <= 1, "mostBroken must be from 0 to 1", mostBroken);
  }

  AlignmentPlan with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.plan();
  }

  /** A plan in the making. */
  static final class Draft {
    AlignmentStrategy strategy;
    ImageSet images;
    int steps;
    int batchSize;
    double learningRate;
    long seed;
    double heldOutShare;
    int evaluateEvery;
    double mostBroken;
    Path work;

    Draft(AlignmentPlan from) {
      strategy = from.strategy;
      images = from.images;
      steps = from.steps;
      batchSize = from.batchSize;
      learningRate = from.learningRate;
      seed = from.seed;
      heldOutShare = from.heldOutShare;
      evaluateEvery = from.evaluateEvery;
      mostBroken = from.mostBroken;
      work = from.work;
    }

    AlignmentPlan plan() {
      return new AlignmentPlan(
          strategy,
          images,
          steps,
          batchSize,
          learningRate,
          seed,
          heldOutShare,
          evaluateEvery,
          mostBroken,
          work);
    }
  }

  private static void require(boolean kept, String rule, Object found) {
    if (!kept) {
      throw new IllegalArgumentException(rule + ", not " + found);
    }
  }
}
