package io.deem.graph;

import java.util.List;
import java.util.function.Predicate;

/** Weights that can learn. */
public interface TrainingSession extends Session {

  /** A scope whose blocks record what {@link TrainingScope#backward} needs. */
  TrainingScope trainingScope();

  /** Chooses by name which parameters learn; the others are constants to the backward pass. */
  void trainable(Predicate<String> names);

  /** The names of the loaded parameters that learn, sorted. */
  List<String> trainableParams();

  /** Sets every gradient to zero. */
  void clearGradients();
}
