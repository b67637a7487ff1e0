package io.deem.verify;

import io.deem.graph.Scope;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.weights.TensorSource;

/**
 * Feeds a network with a fixture's stored inputs and compares what it returns with the stored
 * results.
 *
 * @param io the stored tensors
 * @param scope where the network runs
 * @param reference takes the comparisons
 */
public record Replay(TensorSource io, Scope scope, Reference reference) {

  private static final String PARAMETER_GRADIENT = "grad.";

  /** A stored floating-point tensor as a value; a leaf if the scope gathers gradients. */
  public Value floats(String name) {
    float[] values = io.floats(name);
    long[] shape = io.info(name).shape();
    return scope instanceof TrainingScope training
        ? training.leaf(values, shape)
        : scope.floats(values, shape);
  }

  /** A stored integer tensor as a value. */
  public Value longs(String name) {
    return scope.longs(io.longs(name), io.info(name).shape());
  }

  /** Compares a result. */
  public void output(String name, Value value) {
    reference.output(name, value.floats(), value.shape());
  }

  /** Compares the gradient that a leaf has gathered. */
  public void gradient(String name, TrainingScope training, Value leaf) {
    gradient(name, training.gradient(leaf));
  }

  /** Compares the gradient of every parameter for which one is stored under {@code grad.}. */
  public void parameterGradients(TrainingScope training) {
    parameterGradients(PARAMETER_GRADIENT, training);
  }

  /** Compares the gradient of every parameter for which one is stored under {@code prefix}. */
  public void parameterGradients(String prefix, TrainingScope training) {
    for (String name : io.names()) {
      if (name.startsWith(prefix)) {
        gradient(name, training.gradient(name.substring(prefix.length())));
      }
    }
  }

  private void gradient(String name, Value gradient) {
    if (gradient == null) {
      // A shape that no stored tensor has: reported as a failure of this tensor alone.
      reference.gradient(name, new float[0], 0);
    } else {
      reference.gradient(name, gradient.floats(), gradient.shape());
    }
  }
}
