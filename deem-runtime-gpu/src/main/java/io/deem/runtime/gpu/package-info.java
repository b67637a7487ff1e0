/** The CUDA runtime: the TorchScript compiler and libtorch of the CPU runtime, on a GPU in bf16. */
package io.deem.runtime.gpu;
