package io.deem.ort;

import io.deem.graph.Block;
import io.deem.graph.Param;
import io.deem.weights.TensorSource;
import java.util.Collection;

/** Where a session's blocks come from: they are compiled, or were and lie in a folder. */
@FunctionalInterface
public interface BlockModels extends AutoCloseable {

  /**
   * The model of a block; called once for each block, and again after a change of its weights.
   *
   * @throws IllegalStateException if there is none, in one line that says why
   */
  OnnxModel of(Block block);

  /**
   * Takes weights from somewhere else from now on; see {@link
   * io.deem.graph.ChangeableSession#change}.
   *
   * @throws IllegalStateException if these models' weights cannot change
   */
  default void change(TensorSource weights, Collection<Param> params) {
    throw new IllegalStateException("an exported model cannot change weights");
  }

  /** Called when the session is closed. */
  @Override
  default void close() {}
}
