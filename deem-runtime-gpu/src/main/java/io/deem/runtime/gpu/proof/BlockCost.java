package io.deem.runtime.gpu.proof;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import java.util.Map;

/** What the products of a block cost: two operations for each multiplication with its addition. */
final class BlockCost {

  private BlockCost() {}

  /**
   * The operations of one forward pass.
   *
   * @param symbols the extents that the block is run with
   */
  static double operations(Block block, Map<String, Long> symbols) {
    double sum = 0;
    for (Tensor node : block.nodes()) {
      sum += operations(node, symbols);
    }
    return sum;
  }

  private static double operations(Tensor node, Map<String, Long> symbols) {
    return switch (node.op()) {
      case LINEAR, MATMUL ->
          2 * size(node.shape(), symbols) * extent(node.operands().get(0).dim(-1), symbols);
      case CONV2D -> {
        Shape weight = node.operands().get(1).shape(); // [out, in / groups, height, width]
        double perResult = size(weight, symbols) / extent(weight.dim(0), symbols);
        yield 2 * size(node.shape(), symbols) * perResult;
      }
      case CONV_TRANSPOSE2D -> {
        Shape weight = node.operands().get(1).shape(); // [in, out, height, width]
        double perPixel = size(weight, symbols) / extent(weight.dim(0), symbols);
        yield 2 * size(node.operands().get(0).shape(), symbols) * perPixel;
      }
      case ATTENTION -> {
        double queries = size(node.operands().get(0).shape(), symbols);
        double keys = extent(node.operands().get(1).dim(2), symbols);
        double both = 2 * queries * keys + 2 * size(node.shape(), symbols) * keys;
        // A causal query sees half of the keys.
        yield node.attributes().flag("causal") ? both / 2 : both;
      }
      default -> 0;
    };
  }

  private static double size(Shape shape, Map<String, Long> symbols) {
    double size = 1;
    for (Dim dim : shape.dims()) {
      size *= extent(dim, symbols);
    }
    return size;
  }

  private static double extent(Dim dim, Map<String, Long> symbols) {
    return dim.evaluate(symbols);
  }
}
