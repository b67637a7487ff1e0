package io.deem.graph;

/** A scope that remembers how its values were computed, so that gradients can be. */
public interface TrainingScope extends Scope {

  /** A floating-point value that gathers a gradient; see {@link #gradient(Value)}. */
  Value leaf(float[] values, long... shape);

  /**
   * Adds to every parameter that learns and to every leaf the gradient of a scalar.
   *
   * @param loss a value of this scope with one element
   */
  void backward(Value loss);

  /**
   * Adds to every parameter that learns and to every leaf the gradient of {@code sum(value *
   * cotangent)}.
   *
   * @param keepGraph whether the backward pass will run again
   */
  void backward(Value value, Value cotangent, boolean keepGraph);

  /**
   * The gradient that a leaf has gathered.
   *
   * @return null if none has reached it
   */
  Value gradient(Value leaf);

  /**
   * The gradient that a parameter has gathered since {@link TrainingSession#clearGradients}.
   *
   * @return null if none has reached it
   */
  Value gradient(String param);
}
