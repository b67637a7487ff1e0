package io.deem.training;

import io.deem.torch.TorchSession;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsWriter;

/** Writes what a session has learnt. */
public final class SessionWeights {

  private SessionWeights() {}

  /**
   * The loaded parameters of a session in 32 bits; write them while the session does not change.
   */
  public static SafetensorsWriter of(TorchSession session) {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (String name : session.params()) {
      writer.floats(
          name, ElementType.F32, session.param(name).shape(), () -> session.param(name).floats());
    }
    return writer;
  }
}
