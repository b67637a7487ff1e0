/**
 * The parts of Python's pickle format and of PyTorch's ZIP format that describe tensors. Nothing
 * that a file names is ever run.
 */
package io.deem.weights.pickle;
