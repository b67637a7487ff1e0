package io.deem.training.data;

/**
 * What is learnt from samples: which prompt they are put into, and which of its tokens count.
 *
 * <p>Made by {@link Tasks}. Safe for use from many threads.
 */
public sealed interface Task permits PreparedTask {}
