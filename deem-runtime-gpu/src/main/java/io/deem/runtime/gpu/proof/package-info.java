/**
 * Proof for a GPU that is elsewhere: one folder with the scripts that the networks compile to, what
 * they are given and what must come out, and a runner that needs Python's PyTorch alone.
 */
package io.deem.runtime.gpu.proof;
