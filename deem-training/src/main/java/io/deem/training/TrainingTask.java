package io.deem.training;

import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import java.util.Map;

/** What a run learns: computes the loss of one step. */
public interface TrainingTask {

  /**
   * Computes a step's loss on data that depends on the step alone, so that a resumed run sees what
   * an uninterrupted one would have seen.
   *
   * @param scope of this step
   * @param step counted from 0
   * @param random all randomness of the step; depends on the run's seed and the step
   */
  Losses losses(TrainingScope scope, long step, RandomSource random);

  /** Pictures or sequences in a step, for the speed that is reported. */
  int itemsPerStep();

  /**
   * The loss of a step.
   *
   * @param total what is minimised, a scalar
   * @param parts scalars to report, by name
   */
  record Losses(Value total, Map<String, Value> parts) {}
}
