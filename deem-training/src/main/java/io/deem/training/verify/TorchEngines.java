package io.deem.training.verify;

import io.deem.graph.Engine;
import io.deem.torch.TorchEngine;

/** What checks of training need of an engine. */
final class TorchEngines {

  private TorchEngines() {}

  /**
   * The engine, which has to be one that trains.
   *
   * @throws IllegalStateException if it is another
   */
  static TorchEngine of(Engine engine) {
    if (engine instanceof TorchEngine torch) {
      return torch;
    }
    throw new IllegalStateException(engine.name() + " cannot train");
  }
}
