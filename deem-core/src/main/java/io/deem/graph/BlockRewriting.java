package io.deem.graph;

/**
 * Changes blocks before an engine compiles them, for example to add low-rank adapters to their
 * linear layers. The networks that made the blocks know nothing of it.
 */
@FunctionalInterface
public interface BlockRewriting {

  /** Leaves every block as it is. */
  BlockRewriting NONE = (block, training) -> block;

  /**
   * The block to compile in place of another; see {@link Block#rewritten}.
   *
   * @param block with the same inputs and as many results afterwards
   * @param training whether it will run in a {@link TrainingScope}
   */
  Block apply(Block block, boolean training);
}
