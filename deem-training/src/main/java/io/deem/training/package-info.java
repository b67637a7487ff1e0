/** Learning: initial weights, the optimiser, its schedule, the loop and its checkpoints. */
package io.deem.training;
