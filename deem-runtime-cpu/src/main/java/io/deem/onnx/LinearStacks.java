package io.deem.onnx;

import io.deem.graph.Block;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Finds linear layers of one input that can be computed as one: their quantised matrices lie one
 * behind the other in a file, as those of an attention's query, key and value or of an MLP's gate
 * do. Fewer and larger products keep threads busier, and the input is rounded once for all of them.
 */
final class LinearStacks {

  private LinearStacks() {}

  /**
   * The layers that are computed together, at least two each, by every one of them.
   *
   * @param forms how quantised matrices are stored
   */
  static Map<Tensor, List<Tensor>> in(
      Block block, Map<Param, LinearWeights.Quantized> forms, OnnxWeights weights) {
    Map<Tensor, List<Tensor>> byInput = new LinkedHashMap<>();
    for (Tensor node : block.nodes()) {
      if (node.op() == Op.LINEAR && node.operands().get(2) == null && form(node, forms) != null) {
        byInput.computeIfAbsent(node.operands().get(0), input -> new ArrayList<>()).add(node);
      }
    }
    Map<Tensor, List<Tensor>> stacks = new HashMap<>();
    for (List<Tensor> readers : byInput.values()) {
      int from = 0;
      for (int to = 1; to <= readers.size(); to++) {
        if (to == readers.size()
            || !follows(readers.get(to - 1), readers.get(to), forms, weights)) {
          List<Tensor> stack = List.copyOf(readers.subList(from, to));
          if (stack.size() > 1) {
            stack.forEach(layer -> stacks.put(layer, stack));
          }
          from = to;
        }
      }
    }
    return stacks;
  }

  /** How the matrix of a linear layer is stored, or null. */
  static LinearWeights.Quantized form(Tensor linear, Map<Param, LinearWeights.Quantized> forms) {
    Tensor weight = linear.operands().get(1);
    return weight.op() == Op.PARAM
        ? forms.get(weight.attributes().get("param", Param.class))
        : null;
  }

  private static boolean follows(
      Tensor first, Tensor second, Map<Param, LinearWeights.Quantized> forms, OnnxWeights weights) {
    LinearWeights.Quantized a = form(first, forms);
    LinearWeights.Quantized b = form(second, forms);
    boolean alike =
        a.source() == b.source()
            && a.bits() == b.bits()
            && a.blockSize() == b.blockSize()
            && a.accuracyLevel() == b.accuracyLevel()
            && Objects.isNull(a.zeroPoints()) == Objects.isNull(b.zeroPoints());
    return alike
        && weights.isOne(a.source(), List.of(a.values(), b.values()))
        && weights.isOne(a.source(), List.of(a.scales(), b.scales()))
        && (a.zeroPoints() == null
            || weights.isOne(a.source(), List.of(a.zeroPoints(), b.zeroPoints())));
  }
}
