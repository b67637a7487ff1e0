package io.deem.training.alignment;

import io.deem.graph.BlockRewriting;
import io.deem.graph.Param;
import io.deem.torch.TorchSession;
import io.deem.training.Optimizer;
import io.deem.training.TrainingTask;
import io.deem.weights.TensorSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/** One strategy's way to teach the encoder of one model. */
interface Feedback {

  /**
   * A stretch of steps in which the same parameters learn.
   *
   * @param name for progress and checkpoints
   * @param steps at least 1
   * @param movesModel whether any of the model's own weights moves, so that measuring makes sense
   * @param learns which parameters learn
   * @param optimizer made when the phase begins
   * @param task what is minimised
   */
  record Phase(
      String name,
      int steps,
      boolean movesModel,
      Predicate<String> learns,
      Function<TorchSession, Optimizer> optimizer,
      TrainingTask task) {}

  /** The phases, in order. */
  List<Phase> phases();

  /** The model's weights with those that the strategy adds. */
  TensorSource weights(TensorSource model);

  /** What happens to the model's blocks while it learns. */
  default BlockRewriting rewriting() {
    return BlockRewriting.NONE;
  }

  /** The model's parameters that move. */
  List<Param> moved();

  /**
   * Their present values, as a model without the strategy's additions needs them.
   *
   * @param model the weights from before
   */
  default Map<String, float[]> values(TorchSession session, TensorSource model) {
    Map<String, float[]> values = new LinkedHashMap<>();
    moved().forEach(param -> values.put(param.name(), session.load(param).floats()));
    return values;
  }
}
