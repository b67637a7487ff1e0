package io.deem.onnx;

import static io.deem.onnx.OnnxGraph.MICROSOFT;
import static io.deem.onnx.OnnxGraph.with;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.deem.graph.Block;
import io.deem.graph.Op;
import io.deem.graph.Tensor;
import io.deem.ort.OnnxModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Attention to a cache with room that overwrites the cache first, and joins its heads: ONNX Runtime
 * does all three in one operation, in the cache's memory, without a look at the places that are
 * still empty.
 *
 * @param attention the attention
 * @param keys the cache's keys with new ones written into them
 * @param values the cache's values with new ones written into them
 * @param turned the attention's result, [batch, queries, heads, depth]
 * @param joined that as [batch, queries, heads * depth]
 */
record CacheAttention(Tensor attention, Tensor keys, Tensor values, Tensor turned, Tensor joined) {

  private static final List<Integer> HEADS_AND_TOKENS = List.of(0, 2, 1, 3);

  /** All of a block, by their attention. */
  static Map<Tensor, CacheAttention> in(Block block) {
    Map<Tensor, List<Tensor>> readers = new HashMap<>();
    for (Tensor node : block.nodes()) {
      for (Tensor operand : node.operands()) {
        readers.computeIfAbsent(operand, key -> new ArrayList<>()).add(node);
      }
    }
    Map<Tensor, CacheAttention> found = new HashMap<>();
    for (Tensor node : block.nodes()) {
      if (node.op() == Op.ATTENTION && node.attributes().flag("appended")) {
        CacheAttention each = around(node, block, readers);
        if (each != null) {
          found.put(node, each);
        }
      }
    }
    return found;
  }

  private static CacheAttention around(
      Tensor attention, Block block, Map<Tensor, List<Tensor>> readers) {
    Tensor keys = attention.operands().get(1);
    Tensor values = attention.operands().get(2);
    List<Tensor> alone = List.of(attention);
    boolean cached =
        isWritten(keys)
            && isWritten(values)
            && keys.operands().get(1).equals(values.operands().get(1))
            && readers.get(keys).equals(alone)
            && readers.get(values).equals(alone);
    Tensor turned = cached ? onlyReader(attention, block, readers) : null;
    Tensor joined = turned == null ? null : onlyReader(turned, block, readers);
    boolean joins =
        joined != null
            && isTurned(turned)
            && joined.op() == Op.RESHAPE
            && isSideBySide(joined, attention);
    return joins ? new CacheAttention(attention, keys, values, turned, joined) : null;
  }

  private static boolean isWritten(Tensor t) {
    return OnnxModel.isOverwriting(t)
        && t.attributes().integer("axis") == 2
        && t.operands().get(0).op() == Op.INPUT;
  }

  private static boolean isTurned(Tensor t) {
    return t.op() == Op.TRANSPOSE && t.attributes().integers("axes").equals(HEADS_AND_TOKENS);
  }

  private static Tensor onlyReader(Tensor t, Block block, Map<Tensor, List<Tensor>> readers) {
    List<Tensor> all = readers.getOrDefault(t, List.of());
    return all.size() == 1 && !block.outputs().contains(t) ? all.get(0) : null;
  }

  /** Whether a tensor has the elements of [batch, heads, tokens, depth], the heads side by side. */
  private static boolean isSideBySide(Tensor t, Tensor heads) {
    return t.shape().rank() == 3
        && t.dim(0).equals(heads.dim(0))
        && t.dim(1).equals(heads.dim(2))
        && t.dim(2).equals(heads.dim(1).times(heads.dim(3)));
  }

  /** What takes the place of these operations is not emitted for itself. */
  Set<Tensor> replaced() {
    return Set.of(keys, values, turned, joined);
  }

  /** What {@link #emit} asks for. */
  List<Tensor> operands() {
    List<Tensor> operands = new ArrayList<>();
    addOperands(attention.operands().get(0), operands);
    for (Tensor written : List.of(keys, values)) {
      operands.add(written.operands().get(0));
      operands.add(written.operands().get(1));
      addOperands(written.operands().get(2), operands);
    }
    operands.add(attention.operands().get(3));
    return operands;
  }

  private static void addOperands(Tensor heads, List<Tensor> operands) {
    if (heads.op() == Op.ROPE) {
      operands.add(heads.operands().get(1));
      operands.add(heads.operands().get(2));
      addOperands(heads.operands().get(0), operands);
    } else {
      Tensor whole = sideBySide(heads);
      operands.add(whole == null ? heads : whole);
    }
  }

  /** What a tensor [batch, heads, tokens, depth] was split from, or null. */
  private static Tensor sideBySide(Tensor heads) {
    if (!isTurned(heads) || heads.operands().get(0).op() != Op.RESHAPE) {
      return null;
    }
    Tensor whole = heads.operands().get(0).operands().get(0);
    return isSideBySide(whole, heads) ? whole : null;
  }

  /**
   * Emits the operation.
   *
   * @param names the value of each of the {@link #operands}
   * @param results what the joined heads, the keys and the values are to be called
   */
  void emit(
      OnnxGraph graph,
      OnnxDims dims,
      OnnxComposites composites,
      Function<Tensor, String> names,
      List<String> results) {
    Tensor query = attention.operands().get(0);
    String places = names.apply(keys.operands().get(1));
    String last = graph.node("Gather", List.of(places, graph.scalar(-1L)), with("axis", 0));
    String count = graph.node("Add", List.of(last, graph.scalar(1L)));
    String mask =
        graph.node(
            "Slice",
            List.of(
                names.apply(attention.operands().get(3)),
                graph.longs(0),
                graph.node("Unsqueeze", List.of(count, graph.longs(0))),
                graph.longs(3)));
    String lastOfRows =
        graph.node("Expand", List.of(narrow(graph, last), dims.vector(List.of(query.dim(0)))));
    List<String> inputs = new ArrayList<>();
    inputs.add(flat(query, graph, dims, composites, names));
    inputs.add(flat(keys.operands().get(2), graph, dims, composites, names));
    inputs.add(flat(values.operands().get(2), graph, dims, composites, names));
    inputs.add(names.apply(keys.operands().get(0)));
    inputs.add(names.apply(values.operands().get(0)));
    inputs.add(lastOfRows);
    inputs.add(narrow(graph, count));
    inputs.addAll(List.of("", "", "", mask));
    graph.node(
        MICROSOFT,
        "GroupQueryAttention",
        inputs,
        results,
        with("num_heads", query.dim(1).value()),
        with("kv_num_heads", keys.dim(1).value()),
        with("scale", attention.attributes().number("scale")));
  }

  private static String narrow(OnnxGraph graph, String number) {
    return graph.node("Cast", List.of(number), with("to", TensorProto.DataType.INT32_VALUE));
  }

  private static String flat(
      Tensor heads,
      OnnxGraph graph,
      OnnxDims dims,
      OnnxComposites composites,
      Function<Tensor, String> names) {
    if (heads.op() == Op.ROPE) {
      return composites.ropeSideBySide(
          heads, flat(heads.operands().get(0), graph, dims, composites, names));
    }
    Tensor whole = sideBySide(heads);
    if (whole != null) {
      return names.apply(whole);
    }
    String turned =
        graph.node("Transpose", List.of(names.apply(heads)), with("perm", HEADS_AND_TOKENS));
    return graph.node(
        "Reshape",
        List.of(turned, graph.longs(0, 0, (long) heads.dim(1).value() * heads.dim(3).value())));
  }
}
