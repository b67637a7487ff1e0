package io.deem.torch;

import io.deem.graph.Block;

/** Is told of each block that a scope has run. */
@FunctionalInterface
public interface BlockListener {

  /**
   * A block has run.
   *
   * @param backward whether this was its backward pass; under {@link Recording#CHECKPOINTS} that
   *     includes computing the block again
   * @param nanos how long it took
   */
  void ran(Block block, boolean backward, long nanos);
}
