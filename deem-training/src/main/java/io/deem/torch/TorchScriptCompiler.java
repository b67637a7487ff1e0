package io.deem.torch;

import io.deem.graph.Attributes;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Dropped;
import io.deem.graph.Op;
import io.deem.graph.Resampling;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/**
 * Writes a block as the source of a TorchScript method. Inputs, parameters and constants are its
 * arguments, in this order; it returns a list of tensors.
 *
 * <p>Under {@link Precision#BF16} the operands of products are cast down where they enter one, and
 * cast up where they leave it for anything but element-wise arithmetic.
 */
final class TorchScriptCompiler {

  /** What a score loses if its key is not to be seen. */
  private static final double HIDDEN = -1e30;

  /** Multiplications and additions below which a convolution's overhead outweighs its kernel. */
  private static final long WORTH_CONVOLVING = 1L << 24;

  private final Block block;
  private final TorchOptions options;
  private final Precision precision;

  /** Whether large linear layers are convolutions of one place. */
  private final boolean convolves;

  private final StringBuilder source = new StringBuilder();
  private final Map<Tensor, String> names = new HashMap<>();

  /** Names of the variables that hold bfloat16. */
  private final Set<String> low = new HashSet<>();

  /** Names of the variables that hold what several operations need. */
  private final Set<String> computed = new HashSet<>();

  /** Parameters that may come in bfloat16. */
  private final Set<Tensor> narrow;

  /** The names of the masks of the places where elements are dropped; empty to drop none. */
  private final Map<Tensor, String> masks = new HashMap<>();

  private TorchScriptCompiler(Block block, TorchOptions options, boolean drops, boolean convolves) {
    this.block = block;
    this.options = options;
    this.convolves = convolves;
    this.precision = options.precision();
    this.narrow = options.narrowWeights() ? NarrowWeights.of(block) : Set.of();
    if (drops) {
      Dropped.in(block).forEach(place -> masks.put(place.node(), "d" + masks.size()));
    }
  }

  /** The source of the method {@code forward} for a block. */
  static String compile(Block block, TorchOptions options) {
    return compile(block, options, false, false);
  }

  /**
   * The source of the method {@code forward} for a block.
   *
   * @param drops whether the masks of {@link Dropped#in} follow as arguments
   * @param convolves whether large linear layers in 32 bits become convolutions of one place, which
   *     oneDNN computes instead of MKL; see {@link ProcessorFeatures#unusedByMkl}
   */
  static String compile(Block block, TorchOptions options, boolean drops, boolean convolves) {
    return new TorchScriptCompiler(block, options, drops, convolves).emit();
  }

  private String emit() {
    StringJoiner arguments = new StringJoiner(", ");
    arguments.add("self: __torch__." + TorchScriptArchive.MODULE);
    int count = 0;
    for (Tensor node : block.nodes()) {
      switch (node.op()) {
        case INPUT -> names.put(node, "x" + node.attributes().integer("index"));
        case PARAM -> names.put(node, "p" + node.attributes().integer("index"));
        case CONSTANT -> names.put(node, "c" + node.attributes().integer("index"));
        default -> names.put(node, "t" + count++);
      }
    }
    block.inputs().forEach(t -> arguments.add(names.get(t) + ": Tensor"));
    for (int i = 0; i < block.params().size(); i++) {
      arguments.add("p" + i + ": Tensor");
    }
    block.constants().forEach(t -> arguments.add(names.get(t) + ": Tensor"));
    for (int i = 0; i < masks.size(); i++) {
      arguments.add("d" + i + ": Tensor");
    }
    source.append("  def forward(").append(arguments).append(") -> List[Tensor]:\n");
    bindSymbols();
    for (Tensor node : block.nodes()) {
      switch (node.op()) {
        case INPUT, PARAM, CONSTANT -> widen(node);
        default -> line(names.get(node), expression(node));
      }
    }
    String results =
        block.outputs().stream().map(this::result).collect(Collectors.joining(", ", "[", "]"));
    return source.append("    return ").append(results).append('\n').toString();
  }

  private void bindSymbols() {
    Set<String> bound = new HashSet<>();
    for (Tensor input : block.inputs()) {
      for (int axis = 0; axis < input.shape().rank(); axis++) {
        String symbol = input.dim(axis).symbolName();
        if (symbol != null && bound.add(symbol)) {
          line("s_" + symbol, "torch.size(" + names.get(input) + ", " + axis + ")");
        }
      }
    }
  }

  /** What was overwritten in place is returned as it is: it must stay the same memory. */
  private String result(Tensor t) {
    return inPlace(t) ? name(t) : full(t);
  }

  private static boolean inPlace(Tensor t) {
    return t.op() == Op.INDEX_COPY && t.attributes().flag("inPlace");
  }

  /**
   * Under FP64, brings what comes from outside to 64 bits. Another block may have had a parameter
   * loaded in bfloat16; where this one adds or normalises by it, it is brought back to 32.
   */
  private void widen(Tensor node) {
    boolean maybeNarrow =
        options.narrowWeights()
            && node.op() == Op.PARAM
            && node.shape().rank() > 1
            && !narrow.contains(node);
    boolean maybeShort = precision == Precision.FP64 && node.type() == DataType.FLOAT;
    if (maybeShort || maybeNarrow) {
      String name = names.get(node);
      names.put(node, name + "w");
      line(name + "w", "torch.to(" + name + ", " + precision.scalarType + ")");
    }
  }

  private void line(String name, String expression) {
    source.append("    ").append(name).append(" = ").append(expression).append('\n');
  }

  private String expression(Tensor t) {
    Attributes with = t.attributes();
    List<Tensor> operands = t.operands();
    Tensor first = operands.get(0);
    return switch (t.op()) {
      case ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM -> arithmetic(t);
      case ADD_SCALAR -> scalarCall(t, "add");
      case MUL_SCALAR -> scalarCall(t, "mul");
      case NEG, ABS, SILU, RELU, TANH, SIGMOID -> light(t, functionName(t) + "(%s)");
      case EXP, LOG, SQRT, RSQRT, SIN, COS, ROUND -> call(functionName(t), full(first));
      case GELU -> light(t, "gelu(%s)");
      case GELU_TANH -> light(t, "gelu(%s, approximate=\"tanh\")");
      case CLAMP -> call("clamp", full(first), with.number("low"), with.number("high"));
      case EQUAL -> call("eq", full(first), full(operands.get(1)));
      case LESS -> call("lt", full(first), full(operands.get(1)));
      case AND -> call("logical_and", name(first), name(operands.get(1)));
      case NOT -> call("logical_not", name(first));
      case WHERE -> call("where", name(first), full(operands.get(1)), full(operands.get(2)));
      case CAST -> call("to", name(first), scalarType(t.type()));
      case SUM -> reduction("sum", t);
      case MEAN -> reduction("mean", t);
      case MAX -> reduction("amax", t);
      case LOG_SUM_EXP -> reduction("logsumexp", t);
      case CUMULATIVE_SUM -> call("cumsum", full(first), with.integer("axis"));
      case SOFTMAX -> call("softmax", full(first), with.integer("axis"));
      case LOG_SOFTMAX -> call("log_softmax", full(first), with.integer("axis"));
      case ARG_MAX -> call("argmax", full(first), with.integer("axis"), false);
      case MATMUL -> product(t, call("matmul", reduced(first), reduced(operands.get(1))));
      case LINEAR -> product(t, linear(t));
      case CONV2D -> product(t, convolution(t));
      case CONV_TRANSPOSE2D -> product(t, transposedConvolution(t));
      case ATTENTION -> product(t, attention(t));
      case RESHAPE -> light(t, "reshape(%s, " + dims(t.shape()) + ")");
      case TRANSPOSE -> light(t, "permute(%s, " + with.integers("axes") + ")");
      case EXPAND -> light(t, "expand(%s, " + dims(t.shape()) + ")");
      case CONCAT -> call("cat", list(operands), with.integer("axis"));
      case SLICE ->
          light(
              t,
              "slice(%s, "
                  + with.integer("axis")
                  + ", "
                  + dim(with.dim("start"))
                  + ", "
                  + dim(with.dim("end"))
                  + ", 1)");
      case PAD -> light(t, "constant_pad_nd(%s, " + with.integers("widths") + ", 0)");
      case FLIP -> light(t, "flip(%s, [" + with.integer("axis") + "])");
      case EMBEDDING -> embedding(t);
      case INDEX_SELECT ->
          call("index_select", full(first), with.integer("axis"), name(operands.get(1)));
      case GATHER -> call("gather", full(first), with.integer("axis"), name(operands.get(1)));
      case INDEX_COPY ->
          inPlace(t)
              ? overwritten(t)
              : call(
                  "index_copy",
                  full(first),
                  with.integer("axis"),
                  name(operands.get(1)),
                  full(operands.get(2)));
      case LAYER_NORM ->
          call(
              "layer_norm",
              full(first),
              "[" + dim(first.dim(-1)) + "]",
              full(operands.get(1)),
              full(operands.get(2)),
              with.number("epsilon"));
      case RMS_NORM ->
          call(
              "rms_norm",
              full(first),
              "[" + dim(first.dim(-1)) + "]",
              full(operands.get(1)),
              with.number("epsilon"));
      case GROUP_NORM ->
          call(
              "group_norm",
              full(first),
              with.integer("groups"),
              full(operands.get(1)),
              full(operands.get(2)),
              with.number("epsilon"));
      case ROPE -> rope(t);
      case GRID_SAMPLE -> call("grid_sampler", full(first), full(operands.get(1)), 0, 0, false);
      case RESIZE -> resize(t);
      case CROSS_ENTROPY ->
          call(
              "cross_entropy_loss",
              full(first),
              name(operands.get(1)),
              "None",
              1,
              with.integer("ignored"),
              0.0);
      case DROPOUT_AT_RATE -> light(t, "dropout(%s, " + literal(with.number("rate")) + ", True)");
      case DETACH -> light(t, "detach(%s)");
      case DROPOUT -> masks.isEmpty() ? same(t) : call("mul", full(first), masks.get(t));
      case INPUT, PARAM, CONSTANT -> throw new IllegalStateException(t.toString());
    };
  }

  private static String functionName(Tensor t) {
    return t.op().name().toLowerCase(Locale.ROOT);
  }

  // ---------------------------------------------------------------- composite operations

  private String arithmetic(Tensor t) {
    String function =
        switch (t.op()) {
          case ADD -> "add";
          case SUB -> "sub";
          case MUL -> "mul";
          case DIV -> "div";
          case MAXIMUM -> "maximum";
          default -> "minimum";
        };
    String a = name(t.operands().get(0));
    String b = name(t.operands().get(1));
    if (low.contains(a) && low.contains(b)) {
      low.add(names.get(t));
    }
    return call(function, a, b);
  }

  private String scalarCall(Tensor t, String function) {
    double value = t.attributes().number("value");
    Object scalar = t.type() == DataType.INT64 ? (Object) Math.round(value) : (Object) value;
    return light(t, function + "(%s, " + literal(scalar) + ")");
  }

  private String reduction(String function, Tensor t) {
    Attributes with = t.attributes();
    return call(function, full(t.operands().get(0)), with.integers("axes"), with.flag("keep"));
  }

  private String embedding(Tensor t) {
    Tensor table = t.operands().get(0);
    String ids = name(t.operands().get(1));
    boolean maybeNarrow = narrow.contains(table);
    String rows = call("embedding", maybeNarrow ? name(table) : full(table), ids, -1, false, false);
    return maybeNarrow ? call("to", rows, precision.scalarType) : rows;
  }

  private String overwritten(Tensor t) {
    int type = precision == Precision.BF16 ? Precision.BFLOAT16 : precision.scalarType;
    String result = names.get(t);
    // Neither copies what is as it should be already.
    line(result + "b", call("contiguous", call("to", name(t.operands().get(0)), type)));
    String entries = call("to", name(t.operands().get(2)), type);
    String index = name(t.operands().get(1));
    return product(
        t, call("index_copy_", result + "b", t.attributes().integer("axis"), index, entries));
  }

  /** Images for a convolution, with their channels where it wants them. */
  private String pixels(Tensor images) {
    String pixels = reduced(images);
    return options.channelsLast() ? "torch.contiguous(" + pixels + ", memory_format=2)" : pixels;
  }

  private String linear(Tensor t) {
    Tensor x = t.operands().get(0);
    Tensor weight = t.operands().get(1);
    Tensor bias = t.operands().get(2);
    String plain = call("linear", reduced(x), reduced(weight), reduced(bias));
    boolean fits = x.dim(-1).isConstant() && t.dim(-1).isConstant() && x.shape().rank() > 1;
    if (!convolves || !fits || precision != Precision.FP32) {
      return plain;
    }
    int in = x.dim(-1).value();
    int out = t.dim(-1).value();
    Dim rows = Dim.of(1);
    for (int axis = 0; axis < x.shape().rank() - 1; axis++) {
      rows = rows.times(x.dim(axis));
    }
    // The rows are a picture of one column in a layout of channels last: nothing is copied.
    String picture =
        call(
            "permute",
            call("reshape", full(x), "[1, " + dim(rows) + ", 1, " + in + "]"),
            List.of(0, 3, 1, 2));
    String kernel = call("reshape", full(weight), List.of(out, in, 1, 1));
    String convolved =
        call(
            "conv2d",
            picture,
            kernel,
            bias == null ? "None" : full(bias),
            List.of(1, 1),
            List.of(0, 0),
            List.of(1, 1),
            1);
    String folded =
        call("reshape", call("permute", convolved, List.of(0, 2, 3, 1)), dims(t.shape()));
    long each = (long) in * out;
    long fewest = (WORTH_CONVOLVING + each - 1) / each;
    if (rows.isConstant()) {
      return rows.value() >= fewest ? folded : plain;
    }
    return "(" + folded + " if " + dim(rows) + " >= " + fewest + " else " + plain + ")";
  }

  private String convolution(Tensor t) {
    Attributes with = t.attributes();
    return call(
        "conv2d",
        pixels(t.operands().get(0)),
        reduced(t.operands().get(1)),
        reduced(t.operands().get(2)),
        pair(with.integer("stride")),
        pair(with.integer("padding")),
        "[1, 1]",
        with.integer("groups"));
  }

  private String transposedConvolution(Tensor t) {
    return call(
        "conv_transpose2d",
        pixels(t.operands().get(0)),
        reduced(t.operands().get(1)),
        reduced(t.operands().get(2)),
        pair(t.attributes().integer("stride")),
        "[0, 0]",
        "[0, 0]",
        1,
        "[1, 1]");
  }

  /**
   * Attention as products and a softmax. libtorch's fused kernel for processors loses to this at
   * the lengths of a few hundred tokens that images and questions have.
   */
  private String attention(Tensor t) {
    Tensor query = t.operands().get(0);
    Tensor key = t.operands().get(1);
    String result = names.get(t);
    int groups = query.dim(1).value() / key.dim(1).value();
    String k = repeatHeads(reduced(key), groups);
    String v = repeatHeads(reduced(t.operands().get(2)), groups);
    boolean both = t.operands().get(3) != null && t.attributes().flag("causal");
    if (options.fusedAttention() && !both) {
      return fusedAttention(t, k, v);
    }
    String scaled = call("mul", reduced(query), t.attributes().number("scale"));
    String scores = result + "s";
    line(scores, call("matmul", scaled, call("transpose", k, 2, 3)));
    if (precision == Precision.BF16) {
      line(scores, call("to", scores, precision.scalarType));
    }
    Tensor mask = t.operands().get(3);
    if (mask != null) {
      line(scores, call("add", scores, full(mask)));
    }
    if (t.attributes().flag("causal")) {
      String size = "[" + dim(query.dim(2)) + ", " + dim(key.dim(2)) + "]";
      String future =
          "torch.triu(torch.new_full(" + scores + ", " + size + ", " + literal(HIDDEN) + "), 1)";
      line(scores, call("add", scores, future));
    }
    String weights = call("softmax", scores, -1);
    if (masks.containsKey(t)) {
      weights = call("mul", weights, masks.get(t));
    }
    if (precision == Precision.BF16) {
      weights = call("to", weights, Precision.BFLOAT16);
    }
    return call("matmul", weights, v);
  }

  private String fusedAttention(Tensor t, String k, String v) {
    Tensor mask = t.operands().get(3);
    String seen = "None";
    if (mask != null) {
      // The least number of 32 bits is infinity in bfloat16, and a row of nothing else has no mean.
      seen = call("clamp_min", full(mask), HIDDEN);
      seen = precision == Precision.BF16 ? call("to", seen, Precision.BFLOAT16) : seen;
      seen = once(full(mask) + "m", seen);
    }
    return "torch.scaled_dot_product_attention("
        + String.join(", ", reduced(t.operands().get(0)), k, v, seen, "0.")
        + ", "
        + literal(t.attributes().flag("causal"))
        + ", scale="
        + t.attributes().number("scale")
        + ")";
  }

  private static String repeatHeads(String heads, int groups) {
    return groups == 1 ? heads : call("repeat_interleave", heads, groups, 1);
  }

  /**
   * {@code x * (cos, cos) + roll(x) * (-sin, sin)}, where rolling swaps the halves of a head. The
   * tables are made once for all operations that share them. Operands in bfloat16 become 32 bits by
   * the products themselves.
   */
  private String rope(Tensor t) {
    String x = name(t.operands().get(0));
    String half = dim(t.dim(-1).dividedBy(2));
    String cos = table(t.operands().get(1), "%s");
    String sin = table(t.operands().get(2), "torch.neg(%s)");
    return call("addcmul", call("mul", x, cos), call("roll", x, "[" + half + "]", "[-1]"), sin);
  }

  /** A rotary table for both halves of each head. */
  private String table(Tensor angles, String first) {
    String table = full(angles);
    return once(
        table + "r",
        call(
            "unsqueeze",
            call("cat", "[" + String.format(first, table) + ", " + table + "]", -1),
            1));
  }

  private String resize(Tensor t) {
    String x = full(t.operands().get(0));
    String size = "[" + dim(t.dim(2)) + ", " + dim(t.dim(3)) + "]";
    Resampling method = t.attributes().get("method", Resampling.class);
    boolean align = t.attributes().flag("alignCorners");
    return switch (method) {
      case NEAREST -> call("upsample_nearest2d", x, size, "None", "None");
      case BILINEAR -> call("upsample_bilinear2d", x, size, align, "None", "None");
      case BICUBIC -> call("upsample_bicubic2d", x, size, align, "None", "None");
    };
  }

  // ---------------------------------------------------------------- operands

  private String name(Tensor t) {
    return t == null ? "None" : names.get(t);
  }

  /** The operand in the precision of everything but products. */
  private String full(Tensor t) {
    String name = name(t);
    return low.contains(name) ? cast(name, precision.scalarType) : name;
  }

  /** The operand in the precision of products. */
  private String reduced(Tensor t) {
    String name = name(t);
    return precision != Precision.BF16 || t == null || low.contains(name)
        ? name
        : cast(name, Precision.BFLOAT16);
  }

  private String cast(String name, int scalarType) {
    return once(name + "_" + scalarType, call("to", name, scalarType));
  }

  /** Computes something that several operations need, when the first does. */
  private String once(String name, String expression) {
    if (computed.add(name)) {
      line(name, expression);
    }
    return name;
  }

  /** An operation that keeps the precision of its operand. */
  private String light(Tensor t, String template) {
    String operand = name(t.operands().get(0));
    if (low.contains(operand)) {
      low.add(names.get(t));
    }
    return "torch." + String.format(template, operand);
  }

  private String same(Tensor t) {
    String operand = name(t.operands().get(0));
    if (low.contains(operand)) {
      low.add(names.get(t));
    }
    return operand;
  }

  private String product(Tensor t, String expression) {
    if (precision == Precision.BF16) {
      low.add(names.get(t));
    }
    return expression;
  }

  private String list(List<Tensor> tensors) {
    return tensors.stream().map(this::full).collect(Collectors.joining(", ", "[", "]"));
  }

  // ---------------------------------------------------------------- literals

  private int scalarType(DataType type) {
    return switch (type) {
      case FLOAT -> precision.scalarType;
      case INT64 -> 4;
      case BOOL -> 11;
    };
  }

  private static String call(String function, Object... arguments) {
    StringJoiner list = new StringJoiner(", ", "torch." + function + "(", ")");
    for (Object argument : arguments) {
      list.add(literal(argument));
    }
    return list.toString();
  }

  private static String literal(Object value) {
    if (value instanceof Boolean flag) {
      return flag ? "True" : "False";
    }
    return value.toString();
  }

  private static String pair(int value) {
    return "[" + value + ", " + value + "]";
  }

  private static String dims(Shape shape) {
    return shape.dims().stream()
        .map(TorchScriptCompiler::dim)
        .collect(Collectors.joining(", ", "[", "]"));
  }

  /** An extent as an integer expression over the symbols bound at the top. */
  private static String dim(Dim dim) {
    if (dim.isConstant()) {
      return Long.toString(dim.evaluate(Map.of()));
    }
    return dim.terms().entrySet().stream()
        .map(
            term ->
                term.getKey().stream()
                    .map(symbol -> "s_" + symbol)
                    .reduce(
                        term.getValue().toString(),
                        (a, b) -> a.equals("1") ? b : "torch.mul(" + a + ", " + b + ")"))
        .reduce((a, b) -> "torch.add(" + a + ", " + b + ")")
        .orElseThrow();
  }
}
