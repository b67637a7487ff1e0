package io.deem.training;

import io.deem.weights.SafetensorsWriter;
import io.deem.weights.TensorSource;

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

  /** Adds the moments to a checkpoint: {@code m.NAME} and, if there are two, {@code v.NAME}. */
  void write(SafetensorsWriter into);

  /** Continues from saved moments. */
  void restore(TensorSource moments, long steps);

  @Override
  void close();
}
