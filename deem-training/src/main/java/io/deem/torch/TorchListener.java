package io.deem.torch;

import io.deem.graph.Block;
import io.deem.graph.Value;
import java.util.List;

/**
 * Is told of everything that the sessions of an engine compute, on the thread that computes it.
 * Values may be read until their scope is closed.
 */
public interface TorchListener {

  /**
   * A value was made from Java's numbers.
   *
   * @param numbers a {@code float[]}, {@code long[]} or {@code boolean[]}
   * @param leaf whether it gathers a gradient
   */
  void made(Value value, Object numbers, boolean leaf);

  /**
   * A block has run.
   *
   * @param inputs as they were given; what the block overwrites has been overwritten
   * @param gradients whether the block recorded what a backward pass needs
   */
  void ran(
      TorchSession session,
      Block block,
      List<Value> inputs,
      List<Value> outputs,
      boolean gradients);

  /**
   * A backward pass has run.
   *
   * @param cotangent null for 1
   */
  void wentBack(Value value, Value cotangent);

  /** The gradient that a leaf has gathered was asked for and is there. */
  void gradient(Value leaf, Value gradient);

  /** The gradient that a parameter has gathered was asked for and is there. */
  void gradient(TorchSession session, String param, Value gradient);

  /** The gradients of a session were set to zero. */
  void cleared(TorchSession session);

  /** The numbers of a floating-point value were read. */
  void read(Value value, float[] numbers);
}
