/**
 * The GPU runtime: models run on CUDA through libtorch, with bfloat16 weights and products. Finds
 * out without loading anything whether there is a usable driver and GPU, and unpacks libtorch for
 * CUDA, which comes as a separate artifact.
 */
package io.deem.runtime.gpu;
