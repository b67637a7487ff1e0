package io.deem.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A place of a block where training may drop elements: the result of {@link Op#DROPOUT}, or the
 * weights of an {@link Op#ATTENTION} that was asked to.
 *
 * <p>An engine multiplies what stands there by a mask of this shape, whose elements are 0 with the
 * run's rate and {@code 1 / (1 - rate)} otherwise.
 *
 * @param node the operation
 * @param mask the mask's shape
 * @param depthShare if the place is stochastic depth, the share of that rate; 0 for dropout
 */
public record Dropped(Tensor node, Shape mask, double depthShare) {

  /** Whether a node is such a place. */
  public static boolean at(Tensor node) {
    return node.op() == Op.DROPOUT
        || (node.op() == Op.ATTENTION && node.attributes().flag("dropout"));
  }

  /** The places of a block, in the order of its operations. */
  public static List<Dropped> in(Block block) {
    return block.nodes().stream().filter(Dropped::at).map(Dropped::of).collect(Collectors.toList());
  }

  private static Dropped of(Tensor node) {
    if (node.op() == Op.ATTENTION) {
      Dim keys = node.operands().get(1).dim(2);
      return new Dropped(node, node.operands().get(0).shape().with(-1, keys), 0);
    }
    double share = node.attributes().number("share");
    if (share == 0) {
      return new Dropped(node, node.shape(), 0);
    }
    List<Dim> dims = new ArrayList<>();
    for (int axis = 0; axis < node.shape().rank(); axis++) {
      dims.add(axis == 0 ? node.dim(0) : Dim.of(1));
    }
    return new Dropped(node, new Shape(dims), share);
  }
}
