package io.deem.onnx;

import static io.deem.onnx.OnnxGraph.MICROSOFT;
import static io.deem.onnx.OnnxGraph.with;

import io.deem.graph.Attributes;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.ort.OnnxModel;
import io.deem.weights.TensorSource;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Writes a block as an ONNX model. Its inputs are {@code x0, x1, ..} and its results {@code y0, y1,
 * ..}; parameters are initializers, so that ONNX Runtime lays them out for its kernels once and
 * computes once whatever depends on nothing else.
 */
final class OnnxCompiler {

  private final Block block;
  private final TensorSource weights;
  private final OnnxGraph graph;
  private final OnnxWeights initializers;
  private final Map<Param, LinearWeights.Quantized> forms = new HashMap<>();
  private final OnnxDims dims;
  private final OnnxComposites composites;
  private final Map<Tensor, String> names = new HashMap<>();
  private final Map<Tensor, LinearWeights.Quantized> quantized = new HashMap<>();
  private final Map<Tensor, List<Tensor>> stacks;
  private final Map<Tensor, Tensor> norms;

  private OnnxCompiler(Block block, TensorSource weights, LinearWeights linear, Path root) {
    this.block = block;
    this.weights = weights;
    this.graph = new OnnxGraph(block.name());
    for (Param matrix : block.matrices()) {
      linear.quantized(matrix).ifPresent(form -> forms.put(matrix, form));
    }
    this.initializers = new OnnxWeights(graph, root == null ? folder() : root);
    this.stacks = LinearStacks.in(block, forms, initializers);
    this.norms = normsOfSums(block);
    this.dims = new OnnxDims(graph);
    this.composites = new OnnxComposites(graph, dims, this::name);
  }

  /** The model of a block with its weights. */
  static OnnxModel compile(Block block, TensorSource weights, LinearWeights linear) {
    return compile(block, weights, linear, null);
  }

  /**
   * The model of a block with its weights.
   *
   * @param root the folder that the model refers to files in; null for the lowest that will do
   */
  static OnnxModel compile(Block block, TensorSource weights, LinearWeights linear, Path root) {
    OnnxCompiler compiler = new OnnxCompiler(block, weights, linear, root);
    compiler.emit();
    Path folder = compiler.initializers.folder();
    byte[] model = compiler.graph.model(Map.of("block", block.name()));
    return new OnnxModel(model, folder, "the block " + block.name());
  }

  private void emit() {
    for (int i = 0; i < block.inputs().size(); i++) {
      Tensor input = block.inputs().get(i);
      names.put(input, OnnxModel.input(i));
      graph.input(names.get(input), input.shape(), input.type());
      dims.bind(names.get(input), input.shape());
    }
    Map<Tensor, CacheAttention> caches = CacheAttention.in(block);
    Set<Tensor> replaced = new HashSet<>();
    caches.values().forEach(each -> replaced.addAll(each.replaced()));
    Set<Tensor> needed = needed(caches);
    for (Tensor node : block.nodes()) {
      graph.label(node.op() + "#" + node.id());
      if (caches.containsKey(node)) {
        toCache(caches.get(node));
      } else if (needed.contains(node) && !replaced.contains(node)) {
        emit(node);
      }
    }
    for (int i = 0; i < block.outputs().size(); i++) {
      Tensor output = block.outputs().get(i);
      graph.label("result#" + i);
      if (!name(output).equals(OnnxModel.output(i))) {
        graph.node("", "Identity", List.of(name(output)), OnnxModel.output(i));
      }
      graph.output(OnnxModel.output(i), output.shape(), output.type());
    }
  }

  private void emit(Tensor node) {
    switch (node.op()) {
      case INPUT -> {}
      case PARAM -> {
        if (!names.containsKey(node)) {
          parameter(node);
        }
      }
      case CONSTANT ->
          names.put(
              node,
              graph.floats(node.attributes().get("values", float[].class), node.shape().extents()));
      default -> {
        // Computed together with one before it?
        if (!names.containsKey(node) && !normalizedSum(node)) {
          names.put(node, expression(node));
        }
      }
    }
  }

  /** A sum and its root-mean-square norm are one operation, which reads both terms once. */
  private boolean normalizedSum(Tensor sum) {
    Tensor norm = norms.get(sum);
    if (norm == null) {
      return false;
    }
    Tensor gain = norm.operands().get(1);
    if (!names.containsKey(gain)) {
      parameter(gain);
    }
    List<String> results = List.of(graph.fresh(), "", "", graph.fresh());
    List<String> operands = operands(sum);
    operands.add(name(gain));
    graph.node(
        MICROSOFT,
        "SkipSimplifiedLayerNormalization",
        operands,
        results,
        with("epsilon", norm.attributes().number("epsilon")));
    names.put(norm, results.get(0));
    names.put(sum, results.get(3));
    return true;
  }

  /** The norms of sums that {@link #normalizedSum} can take over, by the sum. */
  private static Map<Tensor, Tensor> normsOfSums(Block block) {
    Map<Tensor, Tensor> norms = new HashMap<>();
    for (Tensor node : block.nodes()) {
      Tensor sum = node.op() == Op.RMS_NORM ? node.operands().get(0) : null;
      boolean fits =
          sum != null
              && sum.op() == Op.ADD
              && sum.shape().rank() == 3
              && node.operands().get(1).op() == Op.PARAM
              && sum.operands().stream().allMatch(term -> term.shape().equals(sum.shape()));
      if (fits) {
        norms.putIfAbsent(sum, node);
      }
    }
    return norms;
  }

  /** What the results depend on, with the operations that one takes the place of left out. */
  private Set<Tensor> needed(Map<Tensor, CacheAttention> caches) {
    Map<Tensor, Tensor> instead = new HashMap<>();
    caches.forEach(
        (attention, cache) -> cache.replaced().forEach(each -> instead.put(each, attention)));
    Set<Tensor> needed = new HashSet<>();
    Deque<Tensor> open = new ArrayDeque<>(block.outputs());
    while (!open.isEmpty()) {
      Tensor next = open.pop();
      Tensor node = instead.getOrDefault(next, next);
      if (needed.add(node)) {
        CacheAttention cache = caches.get(node);
        List<Tensor> operands = cache == null ? node.operands() : cache.operands();
        operands.stream().filter(Objects::nonNull).forEach(open::push);
      }
    }
    return needed;
  }

  /** The cache is written where it lies: its results are the block's own. */
  private void toCache(CacheAttention cache) {
    List<String> results = new ArrayList<>();
    for (Tensor result : List.of(cache.joined(), cache.keys(), cache.values())) {
      int index = result.equals(cache.joined()) ? -1 : block.outputs().indexOf(result);
      String name = index < 0 ? graph.fresh() : OnnxModel.output(index);
      results.add(name);
      names.put(result, name);
    }
    cache.emit(graph, dims, composites, this::name, results);
  }

  private Path folder() {
    Path stored = null;
    Path quantised = null;
    for (Param param : block.params()) {
      LinearWeights.Quantized form = forms.get(param);
      if (form != null) {
        quantised = OnnxWeights.folderOf(form.source(), form.values());
      } else if (stored == null) {
        stored = OnnxWeights.folderOf(weights, param.name());
      }
    }
    return OnnxWeights.folder(stored, quantised);
  }

  private void parameter(Tensor node) {
    Param param = node.attributes().get("param", Param.class);
    String name = paramName(node);
    LinearWeights.Quantized form = forms.get(param);
    if (form != null) {
      quantized.put(node, form);
      names.put(node, name);
      return;
    }
    names.put(node, initializers.floats(weights, param.name(), param.shape().extents(), name));
  }

  private static String paramName(Tensor node) {
    return "p" + node.attributes().integer("index");
  }

  private String expression(Tensor t) {
    Attributes with = t.attributes();
    return switch (t.op()) {
      case ADD -> binary("Add", t);
      case SUB -> binary("Sub", t);
      case MUL -> binary("Mul", t);
      case DIV -> binary("Div", t);
      case MAXIMUM -> binary("Max", t);
      case MINIMUM -> binary("Min", t);
      case ADD_SCALAR -> scalar("Add", t, with.number("value"));
      case MUL_SCALAR -> scalar("Mul", t, with.number("value"));
      case NEG -> unary("Neg", t);
      case ABS -> unary("Abs", t);
      case EXP -> unary("Exp", t);
      case LOG -> unary("Log", t);
      case SQRT -> unary("Sqrt", t);
      case RSQRT -> graph.node("Reciprocal", List.of(unary("Sqrt", t)));
      case SIN -> unary("Sin", t);
      case COS -> unary("Cos", t);
      case TANH -> unary("Tanh", t);
      case SIGMOID -> unary("Sigmoid", t);
      case SILU -> graph.node(MICROSOFT, "QuickGelu", operands(t), with("alpha", 1.0));
      // The standard's Relu takes no 64-bit integers in ONNX Runtime.
      case RELU -> t.type() == DataType.INT64 ? scalar("Max", t, 0) : unary("Relu", t);
      case GELU -> unary("Gelu", t);
      case GELU_TANH -> graph.node("Gelu", operands(t), with("approximate", "tanh"));
      // Integers are round.
      case ROUND -> t.type() == DataType.INT64 ? name(t.operands().get(0)) : unary("Round", t);
      case CLAMP ->
          graph.node(
              "Clip",
              List.of(
                  name(t.operands().get(0)),
                  graph.scalar((float) with.number("low")),
                  graph.scalar((float) with.number("high"))));
      case EQUAL -> binary("Equal", t);
      case LESS -> binary("Less", t);
      case AND -> binary("And", t);
      case NOT -> unary("Not", t);
      case WHERE -> where(t);
      case CAST -> cast(name(t.operands().get(0)), t.type());
      case SUM -> reduction("ReduceSum", t);
      case MEAN -> reduction("ReduceMean", t);
      case MAX -> reduction("ReduceMax", t);
      case LOG_SUM_EXP -> reduction("ReduceLogSumExp", t);
      case CUMULATIVE_SUM ->
          graph.node(
              "CumSum",
              List.of(name(t.operands().get(0)), graph.scalar((long) with.integer("axis"))));
      case SOFTMAX -> graph.node("Softmax", operands(t), with("axis", with.integer("axis")));
      case LOG_SOFTMAX -> graph.node("LogSoftmax", operands(t), with("axis", with.integer("axis")));
      case ARG_MAX ->
          graph.node(
              "ArgMax", operands(t), with("axis", with.integer("axis")), with("keepdims", 0));
      case MATMUL -> binary("MatMul", t);
      case LINEAR -> linear(t);
      case CONV2D -> composites.convolution(t);
      case CONV_TRANSPOSE2D -> composites.transposedConvolution(t);
      case ATTENTION -> composites.attention(t);
      case RESHAPE ->
          dims.reshape(name(t.operands().get(0)), t.operands().get(0).shape(), t.shape());
      case TRANSPOSE -> graph.node("Transpose", operands(t), with("perm", with.integers("axes")));
      case EXPAND -> dims.expand(name(t.operands().get(0)), t.operands().get(0).shape(), t.shape());
      case CONCAT -> graph.node("Concat", operands(t), with("axis", with.integer("axis")));
      case SLICE -> dims.slice(name(t.operands().get(0)), t);
      case PAD -> composites.pad(t);
      case FLIP -> composites.flip(t);
      case EMBEDDING -> embedding(t);
      case INDEX_SELECT -> graph.node("Gather", operands(t), with("axis", with.integer("axis")));
      case GATHER -> graph.node("GatherElements", operands(t), with("axis", with.integer("axis")));
      case INDEX_COPY -> composites.indexCopy(t);
      case LAYER_NORM -> composites.layerNorm(t);
      case RMS_NORM ->
          graph.node(
              "RMSNormalization",
              operands(t),
              with("axis", -1),
              with("epsilon", with.number("epsilon")));
      case GROUP_NORM -> composites.groupNorm(t);
      case ROPE -> composites.rope(t);
      case GRID_SAMPLE ->
          graph.node(
              "GridSample",
              operands(t),
              with("mode", "linear"),
              with("padding_mode", "zeros"),
              with("align_corners", 0));
      case RESIZE -> composites.resize(t);
      case CROSS_ENTROPY -> composites.crossEntropy(t);
      // There are no gradients here.
      case DETACH, DROPOUT, DROPOUT_AT_RATE ->
          name(t.operands().get(0)); // only training knows the difference
      case INPUT, PARAM, CONSTANT -> throw new IllegalStateException(t.toString());
    };
  }

  private String name(Tensor t) {
    return names.get(t);
  }

  private List<String> operands(Tensor t) {
    return t.operands().stream().map(this::name).collect(Collectors.toList());
  }

  private String unary(String type, Tensor t) {
    return graph.node(type, List.of(name(t.operands().get(0))));
  }

  private String binary(String type, Tensor t) {
    return graph.node(type, operands(t));
  }

  private String scalar(String type, Tensor t, double value) {
    return graph.node(type, List.of(name(t.operands().get(0)), graph.scalar(value, t.type())));
  }

  private String cast(String value, DataType type) {
    return graph.node("Cast", List.of(value), with("to", OnnxGraph.elementType(type)));
  }

  /** ONNX Runtime chooses between numbers only. */
  private String where(Tensor t) {
    if (t.type() != DataType.BOOL) {
      return graph.node("Where", operands(t));
    }
    List<String> numbers = new ArrayList<>();
    numbers.add(name(t.operands().get(0)));
    numbers.add(cast(name(t.operands().get(1)), DataType.INT64));
    numbers.add(cast(name(t.operands().get(2)), DataType.INT64));
    return cast(graph.node("Where", numbers), DataType.BOOL);
  }

  private String reduction(String type, Tensor t) {
    List<Integer> axes = t.attributes().integers("axes");
    if (axes.isEmpty()) {
      return name(t.operands().get(0));
    }
    long[] all = IntStream.range(0, axes.size()).mapToLong(axes::get).toArray();
    return graph.node(
        type,
        List.of(name(t.operands().get(0)), graph.longs(all)),
        with("keepdims", t.attributes().flag("keep") ? 1 : 0));
  }

  private String embedding(Tensor t) {
    Tensor table = t.operands().get(0);
    LinearWeights.Quantized form = quantized.get(table);
    return form == null
        ? graph.node("Gather", operands(t), with("axis", 0))
        : composites.quantizedEmbedding(
            initializers, form, name(t.operands().get(1)), name(table), table.shape());
  }

  private String linear(Tensor t) {
    Tensor x = t.operands().get(0);
    Tensor weight = t.operands().get(1);
    Tensor bias = t.operands().get(2);
    if (quantized.containsKey(weight)) {
      return quantizedLinear(t, name(x), name(bias));
    }
    if (x.shape().rank() == 2 && bias != null) {
      return graph.node("Gemm", operands(t), with("transB", 1));
    }
    String product =
        graph.node(MICROSOFT, "FusedMatMul", List.of(name(x), name(weight)), with("transB", 1));
    return bias == null ? product : graph.node("Add", List.of(product, name(bias)));
  }

  private String quantizedLinear(Tensor t, String x, String bias) {
    List<Tensor> stack = stacks.getOrDefault(t, List.of(t));
    long[] rows =
        stack.stream().mapToLong(each -> each.operands().get(1).shape().dim(0).value()).toArray();
    String product =
        composites.quantizedLinear(
            initializers,
            stack.stream().map(each -> LinearStacks.form(each, forms)).toList(),
            x,
            // A matrix may be read elsewhere too, alone.
            stack.stream()
                .map(each -> paramName(each.operands().get(1)))
                .collect(Collectors.joining()),
            bias,
            LongStream.of(rows).sum(),
            t.operands().get(1).shape().dim(1).value());
    if (stack.size() == 1) {
      return product;
    }
    List<String> parts = stack.stream().map(each -> graph.fresh()).toList();
    graph.node("", "Split", List.of(product, graph.longs(rows)), parts, with("axis", -1));
    for (int i = 0; i < parts.size(); i++) {
      names.put(stack.get(i), parts.get(i));
    }
    return names.get(t);
  }
}
