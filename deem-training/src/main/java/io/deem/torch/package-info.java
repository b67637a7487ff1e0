/**
 * The libtorch engine: compiles blocks to TorchScript source, runs them forward and backward
 * through DJL, and owns the weights that learn.
 */
package io.deem.torch;
