/**
 * The CPU runtime: models perceive on ONNX Runtime, with large matrices in 32, 8 or 4 bits, and
 * learn on libtorch; behind a cache of encoded images and a guard that bounds how many calls run at
 * once, how long each may take, and what happens to them on closing.
 */
package io.deem.runtime.cpu;
