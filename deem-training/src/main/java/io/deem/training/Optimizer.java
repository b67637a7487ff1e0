package io.deem.training;

import io.deem.weights.TensorSource;
import java.util.Map;

/** Changes a session's parameters by their gradients. */
public interface Optimizer extends AutoCloseable {

  /** Steps taken. */
  long steps();

  /**
   * Changes every parameter by its gradient, then sets the gradients to zero.
   *
   * @param rateFactor multiplies every learning rate; see {@link LearningRateSchedule#factor}
   * @return the global norm of the gradients before clipping; if it is not finite, nothing changes
   */
  double step(double rateFactor);

  /** The moments, for a checkpoint: {@code m.NAME} and, if there are two, {@code v.NAME}. */
  Map<String, float[]> state();

  /** Continues from saved moments. */
  void restore(TensorSource moments, long steps);

  @Override
  void close();
}
