/**
 * A small typed tensor graph. Networks are written once against {@link io.deem.graph.Tensor};
 * engines compile the resulting {@link io.deem.graph.Block}s and run them.
 */
package io.deem.graph;
