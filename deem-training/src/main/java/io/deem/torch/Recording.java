package io.deem.torch;

/** What a training scope keeps for the backward pass. */
public enum Recording {
  /** What every operation of the step needs. */
  STEP,
  /**
   * The same, cut at the borders of blocks, so that the backward pass goes block by block and each
   * can be timed.
   */
  BLOCKS,
  /**
   * The results of blocks alone: the backward pass computes each block once more (gradient
   * checkpointing, Chen et al. 2016). Afterwards the values of the scope are freed.
   */
  CHECKPOINTS
}
