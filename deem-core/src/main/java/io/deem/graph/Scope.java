package io.deem.graph;

import java.util.Arrays;
import java.util.List;

/**
 * Runs blocks and owns what they return: closing the scope frees every value made in it. Use one
 * scope for each piece of work, from one thread.
 *
 * <pre>{@code
 * try (Scope scope = session.scope()) {
 *   Value x = scope.floats(pixels, 1, 3, 64, 64);
 *   float[] features = scope.run(encoder, x).get(0).floats();
 * }
 * }</pre>
 */
public interface Scope extends AutoCloseable {

  /** A floating-point value. */
  Value floats(float[] values, long... shape);

  /** An integer value. */
  Value longs(long[] values, long... shape);

  /** A truth value for each element. */
  Value bools(boolean[] values, long... shape);

  /**
   * Runs a block.
   *
   * @param inputs in the order in which the block declares them
   * @return the block's results, owned by this scope
   * @throws ShapeException if an input's shape is not the declared one
   */
  List<Value> run(Block block, List<Value> inputs);

  /** Runs a block. */
  default List<Value> run(Block block, Value... inputs) {
    return run(block, Arrays.asList(inputs));
  }

  /** Runs a block that has one result. */
  default Value run1(Block block, Value... inputs) {
    return run(block, Arrays.asList(inputs)).get(0);
  }

  /**
   * Whether blocks of this scope gain from caches of a fixed capacity, which {@link
   * Tensor#overwrite} fills in place, and from shapes that stay the same from call to call.
   */
  default boolean prefersFixedCaches() {
    return false;
  }

  /**
   * Whether every block holds the weights that it reads once more, so that a layer should be the
   * same block for every call: one form of it for prompts and for the tokens after them.
   */
  default boolean holdsWeightsPerBlock() {
    return false;
  }

  /**
   * How many consecutive layers of a language model should be one block when no values between them
   * are wanted: an engine that optimises a block as a whole runs few large ones faster.
   */
  default int layersPerBlock() {
    return 1;
  }

  /** A scope inside this one, for temporary values. */
  Scope child();

  /** Moves a value of this scope to the scope that encloses it, so that it outlives this one. */
  Value keep(Value value);

  /** Frees every value of this scope. */
  @Override
  void close();
}
