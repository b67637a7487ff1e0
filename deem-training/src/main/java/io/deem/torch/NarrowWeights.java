package io.deem.torch;

import io.deem.graph.Block;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which parameters of a block may be kept in bfloat16: those that only products, which would round
 * them anyway, and look-ups read.
 */
public final class NarrowWeights {

  private NarrowWeights() {}

  /** Their names. */
  public static Set<String> names(Block block) {
    Set<String> names = new HashSet<>();
    of(block).forEach(tensor -> names.add(tensor.attributes().get("param", Param.class).name()));
    return names;
  }

  /** The parameters' tensors. */
  static Set<Tensor> of(Block block) {
    Set<Tensor> narrow = new HashSet<>();
    Set<Tensor> wide = new HashSet<>();
    for (Tensor node : block.nodes()) {
      List<Tensor> operands = node.operands();
      for (int i = 0; i < operands.size(); i++) {
        Tensor operand = operands.get(i);
        if (operand != null && operand.op() == Op.PARAM) {
          (isWeight(node.op(), i) && operand.shape().rank() > 1 ? narrow : wide).add(operand);
        }
      }
    }
    block.outputs().stream().filter(t -> t.op() == Op.PARAM).forEach(wide::add);
    narrow.removeAll(wide);
    return narrow;
  }

  private static boolean isWeight(Op op, int operand) {
    return switch (op) {
      case LINEAR, CONV2D, CONV_TRANSPOSE2D, MATMUL -> operand == 1;
      case EMBEDDING -> operand == 0;
      default -> false;
    };
  }
}
