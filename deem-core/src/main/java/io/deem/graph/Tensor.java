package io.deem.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A value of a graph under construction: it has a shape and a type but no contents. Each method
 * adds one operation to the graph, checks its operands and returns the result; the receiver is
 * unchanged.
 *
 * <p>Axes are counted from 0, or from the end if negative. Element-wise operations broadcast as
 * NumPy does. All methods throw {@link ShapeException} for operands that do not fit.
 */
public final class Tensor {

  private final Graph graph;
  private final int id;
  private final Op op;
  private final List<Tensor> operands;
  private final Attributes attributes;
  private final Shape shape;
  private final DataType type;

  Tensor(
      Graph graph,
      int id,
      Op op,
      List<Tensor> operands,
      Attributes attributes,
      Shape shape,
      DataType type) {
    this.graph = graph;
    this.id = id;
    this.op = op;
    this.operands = operands;
    this.attributes = attributes;
    this.shape = shape;
    this.type = type;
  }

  /** The graph this tensor belongs to. */
  public Graph graph() {
    return graph;
  }

  /** The position among the block's operations. */
  public int id() {
    return id;
  }

  /** The operation that computes this tensor. */
  public Op op() {
    return op;
  }

  /** What the operation reads; an optional operand that is absent is null. */
  public List<Tensor> operands() {
    return operands;
  }

  /** The operation's constants. */
  public Attributes attributes() {
    return attributes;
  }

  /** The extents. */
  public Shape shape() {
    return shape;
  }

  /** The element type. */
  public DataType type() {
    return type;
  }

  /** The extent of one axis. */
  public Dim dim(int axis) {
    return shape.dim(axis);
  }

  // ---------------------------------------------------------------- element by element

  /** {@code this + other}. */
  public Tensor plus(Tensor other) {
    return binary(Op.ADD, other, type);
  }

  /** {@code this + value}. */
  public Tensor plus(double value) {
    return unary(Op.ADD_SCALAR, Attributes.of("value", value));
  }

  /** {@code this - other}. */
  public Tensor minus(Tensor other) {
    return binary(Op.SUB, other, type);
  }

  /** {@code this - value}. */
  public Tensor minus(double value) {
    return plus(-value);
  }

  /** {@code this * other}. */
  public Tensor times(Tensor other) {
    return binary(Op.MUL, other, type);
  }

  /** {@code this * value}. */
  public Tensor times(double value) {
    return unary(Op.MUL_SCALAR, Attributes.of("value", value));
  }

  /** {@code this / other}. */
  public Tensor dividedBy(Tensor other) {
    return binary(Op.DIV, other, type);
  }

  /** The larger of the two, element by element. */
  public Tensor maximum(Tensor other) {
    return binary(Op.MAXIMUM, other, type);
  }

  /** The smaller of the two, element by element. */
  public Tensor minimum(Tensor other) {
    return binary(Op.MINIMUM, other, type);
  }

  /** {@code -this}. */
  public Tensor negate() {
    return unary(Op.NEG);
  }

  /** The absolute value. */
  public Tensor abs() {
    return unary(Op.ABS);
  }

  /** {@code e} to the power of this. */
  public Tensor exp() {
    return unary(Op.EXP);
  }

  /** The natural logarithm. */
  public Tensor log() {
    return unary(Op.LOG);
  }

  /** The square root. */
  public Tensor sqrt() {
    return unary(Op.SQRT);
  }

  /** {@code 1 / sqrt(this)}. */
  public Tensor rsqrt() {
    return unary(Op.RSQRT);
  }

  /** The sine, of radians. */
  public Tensor sin() {
    return unary(Op.SIN);
  }

  /** The cosine, of radians. */
  public Tensor cos() {
    return unary(Op.COS);
  }

  /** The hyperbolic tangent. */
  public Tensor tanh() {
    return unary(Op.TANH);
  }

  /** {@code 1 / (1 + exp(-this))}. */
  public Tensor sigmoid() {
    return unary(Op.SIGMOID);
  }

  /** {@code this * sigmoid(this)}. */
  public Tensor silu() {
    return unary(Op.SILU);
  }

  /** {@code max(this, 0)}. */
  public Tensor relu() {
    return unary(Op.RELU);
  }

  /** The Gaussian error linear unit, exact by erf. */
  public Tensor gelu() {
    return unary(Op.GELU);
  }

  /** The Gaussian error linear unit by its tanh approximation. */
  public Tensor geluTanh() {
    return unary(Op.GELU_TANH);
  }

  /** CLIP's approximation {@code this * sigmoid(1.702 * this)}. */
  public Tensor quickGelu() {
    return times(times(1.702).sigmoid());
  }

  /** The nearest integer; halves go to the even one. */
  public Tensor round() {
    return unary(Op.ROUND);
  }

  /** This, kept within {@code [low, high]}. */
  public Tensor clamp(double low, double high) {
    return unary(Op.CLAMP, Attributes.of("low", low, "high", high));
  }

  /** Whether the two are equal. */
  public Tensor equalTo(Tensor other) {
    return binary(Op.EQUAL, other, DataType.BOOL);
  }

  /** Whether this is less than the other. */
  public Tensor lessThan(Tensor other) {
    return binary(Op.LESS, other, DataType.BOOL);
  }

  /** Whether both are true. */
  public Tensor and(Tensor other) {
    requireType("and", this, DataType.BOOL);
    return binary(Op.AND, other, DataType.BOOL);
  }

  /** Whether this is false. */
  public Tensor not() {
    requireType("not", this, DataType.BOOL);
    return unary(Op.NOT);
  }

  /** {@code this ? yes : no}, element by element. */
  public Tensor where(Tensor yes, Tensor no) {
    requireType("where", this, DataType.BOOL);
    requireType("where", no, yes.type);
    Shape result = Shape.broadcast("where", shape, Shape.broadcast("where", yes.shape, no.shape));
    return graph.node(Op.WHERE, List.of(this, yes, no), Attributes.NONE, result, yes.type);
  }

  /** This in another element type; truth becomes 1, non-zero becomes true. */
  public Tensor cast(DataType to) {
    if (to == type) {
      return this;
    }
    return graph.node(Op.CAST, List.of(this), Attributes.NONE, shape, to);
  }

  // ---------------------------------------------------------------- along axes

  /** The sum over axes, which stay with extent 1 if {@code keep}. */
  public Tensor sum(boolean keep, int... axes) {
    return reduce(Op.SUM, keep, axes);
  }

  /** The mean over axes, which stay with extent 1 if {@code keep}. */
  public Tensor mean(boolean keep, int... axes) {
    return reduce(Op.MEAN, keep, axes);
  }

  /** The mean of all elements, a scalar. */
  public Tensor mean() {
    return mean(false, IntStream.range(0, shape.rank()).toArray());
  }

  /** The largest value over axes, which stay with extent 1 if {@code keep}. */
  public Tensor max(boolean keep, int... axes) {
    return reduce(Op.MAX, keep, axes);
  }

  /** {@code log(sum(exp(this)))} over axes, without overflow. */
  public Tensor logSumExp(boolean keep, int... axes) {
    return reduce(Op.LOG_SUM_EXP, keep, axes);
  }

  /** Running sums along an axis. */
  public Tensor cumulativeSum(int axis) {
    return unary(Op.CUMULATIVE_SUM, Attributes.of("axis", shape.axis(axis)));
  }

  /** Exponentials that sum to 1 along an axis. */
  public Tensor softmax(int axis) {
    return unary(Op.SOFTMAX, Attributes.of("axis", shape.axis(axis)));
  }

  /** The logarithm of {@link #softmax}. */
  public Tensor logSoftmax(int axis) {
    return unary(Op.LOG_SOFTMAX, Attributes.of("axis", shape.axis(axis)));
  }

  /** The index of the largest value along an axis, which goes. */
  public Tensor argMax(int axis) {
    Attributes attributes = Attributes.of("axis", shape.axis(axis));
    return graph.node(Op.ARG_MAX, List.of(this), attributes, shape.without(axis), DataType.INT64);
  }

  // ---------------------------------------------------------------- products

  /** The matrix product of the last two axes: {@code [.., m, k] x [.., k, n] -> [.., m, n]}. */
  public Tensor matmul(Tensor other) {
    if (shape.rank() < 2 || other.shape.rank() < 2 || !dim(-1).equals(other.dim(-2))) {
      throw new ShapeException("matmul", "[..,m,k] and [..,k,n]", shape + " and " + other.shape);
    }
    Shape left = new Shape(shape.dims().subList(0, shape.rank() - 2));
    Shape right = new Shape(other.shape.dims().subList(0, other.shape.rank() - 2));
    List<Dim> dims = new ArrayList<>(Shape.broadcast("matmul", left, right).dims());
    dims.add(dim(-2));
    dims.add(other.dim(-1));
    return graph.node(Op.MATMUL, List.of(this, other), Attributes.NONE, new Shape(dims), type);
  }

  /**
   * {@code this * weight^T + bias}.
   *
   * @param weight [out, in]
   * @param bias [out], or null
   */
  public Tensor linear(Tensor weight, Tensor bias) {
    if (weight.shape.rank() != 2 || !dim(-1).equals(weight.dim(1))) {
      throw new ShapeException("linear", "[..,in] and [out,in]", shape + " and " + weight.shape);
    }
    requireShape("the bias of linear", bias, Shape.of(weight.dim(0)));
    Shape result = shape.with(-1, weight.dim(0));
    return graph.node(Op.LINEAR, Arrays.asList(this, weight, bias), Attributes.NONE, result, type);
  }

  /**
   * Two-dimensional convolution of {@code [batch, in, height, width]}, zero padded.
   *
   * @param weight [out, in / groups, kernel height, kernel width]
   * @param bias [out], or null
   */
  public Tensor conv2d(Tensor weight, Tensor bias, int stride, int padding, int groups) {
    requireRank("conv2d", this, 4);
    requireRank("conv2d", weight, 4);
    if (!dim(1).equals(weight.dim(1).times(groups))) {
      throw new ShapeException(
          "conv2d",
          "[batch,in,h,w] and [out,in/" + groups + ",kh,kw]",
          shape + " and " + weight.shape);
    }
    requireShape("the bias of conv2d", bias, Shape.of(weight.dim(0)));
    int height = Math.floorDiv(dim(2).value() + 2 * padding - weight.dim(2).value(), stride) + 1;
    int width = Math.floorDiv(dim(3).value() + 2 * padding - weight.dim(3).value(), stride) + 1;
    if (height < 1 || width < 1) {
      throw new ShapeException("conv2d", "a map no smaller than its kernel", shape);
    }
    Shape result = Shape.of(dim(0), weight.dim(0), height, width);
    Attributes attributes = Attributes.of("stride", stride, "padding", padding, "groups", groups);
    return graph.node(Op.CONV2D, Arrays.asList(this, weight, bias), attributes, result, type);
  }

  /**
   * Transposed convolution of {@code [batch, in, height, width]} whose kernel equals its stride.
   *
   * @param weight [in, out, stride, stride]
   * @param bias [out], or null
   */
  public Tensor convTranspose2d(Tensor weight, Tensor bias, int stride) {
    requireRank("convTranspose2d", this, 4);
    requireShape("convTranspose2d", weight, Shape.of(dim(1), weight.dim(1), stride, stride));
    requireShape("the bias of convTranspose2d", bias, Shape.of(weight.dim(1)));
    Shape result = Shape.of(dim(0), weight.dim(1), dim(2).times(stride), dim(3).times(stride));
    return graph.node(
        Op.CONV_TRANSPOSE2D,
        Arrays.asList(this, weight, bias),
        Attributes.of("stride", stride),
        result,
        type);
  }

  /**
   * Scaled dot-product attention: {@code softmax(scale * q k^T + mask) v}; the receiver is the
   * query.
   *
   * @param key [batch, key heads, keys, depth]; the query is [batch, heads, queries, depth], and
   *     each key head serves {@code heads / key heads} consecutive query heads
   * @param value [batch, key heads, keys, value depth]
   * @param mask added to the scores, broadcast to [batch, heads, queries, keys], or null
   * @param causal whether query i sees keys 0 to i only (as many queries as keys)
   * @param scale usually {@code 1 / sqrt(depth)}
   * @return [batch, heads, queries, value depth]
   */
  public Tensor attention(Tensor key, Tensor value, Tensor mask, boolean causal, double scale) {
    return attention(key, value, mask, causal, scale, false);
  }

  /**
   * As {@link #attention(Tensor, Tensor, Tensor, boolean, double)}.
   *
   * @param dropout whether the weights after the softmax are dropped as {@link #dropout()} says
   */
  public Tensor attention(
      Tensor key, Tensor value, Tensor mask, boolean causal, double scale, boolean dropout) {
    return attention(key, value, mask, scale, causal, dropout, false);
  }

  /**
   * {@link #attention} to a cache with room. The last entries of key and value that count were
   * {@linkplain #overwrite overwritten} with those of these queries, in their order and at places
   * that follow each other.
   *
   * @param key [batch, key heads, capacity, depth]
   * @param value [batch, key heads, capacity, depth]
   * @param mask [batch, 1, queries, capacity], added to the scores; hides from each query what lies
   *     behind its own place. An engine may leave out the keys that no query sees
   */
  public Tensor attentionToCache(Tensor key, Tensor value, Tensor mask, double scale) {
    Objects.requireNonNull(mask, "mask");
    return attention(key, value, mask, scale, false, false, true);
  }

  private Tensor attention(
      Tensor key,
      Tensor value,
      Tensor mask,
      double scale,
      boolean causal,
      boolean dropout,
      boolean appended) {
    requireRank("attention", this, 4);
    requireRank("attention", key, 4);
    boolean grouped = key.dim(1).equals(dim(1)) || dim(1).value() % key.dim(1).value() == 0;
    if (!grouped
        || !key.dim(1).equals(value.dim(1))
        || !key.dim(2).equals(value.dim(2))
        || !key.dim(3).equals(dim(3))) {
      throw new ShapeException(
          "attention",
          "query, key and value that match",
          shape + ", " + key.shape + " and " + value.shape);
    }
    if (mask != null) {
      Shape.broadcast("attention", mask.shape, Shape.of(dim(0), dim(1), dim(2), key.dim(2)));
    }
    return graph.node(
        Op.ATTENTION,
        Arrays.asList(this, key, value, mask),
        Attributes.of("causal", causal, "scale", scale, "dropout", dropout, "appended", appended),
        shape.with(-1, value.dim(3)),
        type);
  }

  // ---------------------------------------------------------------- noise of training

  /**
   * Dropout (Srivastava et al. 2014): an engine that trains with it sets elements to zero at random
   * and scales the others up; anywhere else the result is this tensor. The rate is the run's, not
   * the network's; see {@link Dropped}.
   */
  public Tensor dropout() {
    return graph.node(Op.DROPOUT, List.of(this), Attributes.of("share", 0.0), shape, type);
  }

  /**
   * Stochastic depth (Huang et al. 2016): as {@link #dropout()}, but everything that belongs to one
   * index of the first axis is kept or dropped together.
   *
   * @param share of the run's rate that counts here, above 0 and up to 1
   */
  public Tensor stochasticDepth(double share) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("share must be above 0 and up to 1, not " + share);
    }
    return graph.node(Op.DROPOUT, List.of(this), Attributes.of("share", share), shape, type);
  }

  // ---------------------------------------------------------------- shape

  /**
   * The same elements in row-major order under another shape.
   *
   * @param extents each a {@link Dim} or an integer, with the same product as now
   */
  public Tensor reshape(Object... extents) {
    Shape result = Shape.of(extents);
    if (!result.size().equals(shape.size())) {
      throw new ShapeException("reshape", "the " + shape.size() + " elements of " + shape, result);
    }
    return result.equals(shape)
        ? this
        : graph.node(Op.RESHAPE, List.of(this), Attributes.NONE, result, type);
  }

  /** This with an axis of extent 1 inserted at {@code axis}. */
  public Tensor unsqueeze(int axis) {
    List<Object> dims = new ArrayList<>(shape.dims());
    dims.add(axis < 0 ? axis + shape.rank() + 1 : axis, 1);
    return reshape(dims.toArray());
  }

  /** This without an axis of extent 1. */
  public Tensor squeeze(int axis) {
    return reshape(shape.without(axis).dims().toArray());
  }

  /** This with the axes from {@code first} to {@code last} joined to one. */
  public Tensor flatten(int first, int last) {
    int from = shape.axis(first);
    int to = shape.axis(last);
    List<Object> dims = new ArrayList<>(shape.dims().subList(0, from));
    dims.add(new Shape(shape.dims().subList(from, to + 1)).size());
    dims.addAll(shape.dims().subList(to + 1, shape.rank()));
    return reshape(dims.toArray());
  }

  /** This with its axes in another order: result axis i is axis {@code order[i]} of this. */
  public Tensor permute(int... order) {
    if (order.length != shape.rank() || Arrays.stream(order).distinct().count() != order.length) {
      throw new ShapeException(
          "permute", "each axis of " + shape + " once", Arrays.toString(order));
    }
    List<Integer> axes = Arrays.stream(order).mapToObj(shape::axis).collect(Collectors.toList());
    Shape result = new Shape(axes.stream().map(shape::dim).collect(Collectors.toList()));
    return graph.node(Op.TRANSPOSE, List.of(this), Attributes.of("axes", axes), result, type);
  }

  /** This with two axes exchanged. */
  public Tensor transpose(int a, int b) {
    int[] order = IntStream.range(0, shape.rank()).toArray();
    order[shape.axis(a)] = shape.axis(b);
    order[shape.axis(b)] = shape.axis(a);
    return permute(order);
  }

  /** This with extents of 1 stretched to those given. */
  public Tensor expand(Object... extents) {
    Shape result = Shape.of(extents);
    if (!Shape.broadcast("expand", shape, result).equals(result)) {
      throw new ShapeException("expand", "a shape that " + shape + " stretches to", result);
    }
    return result.equals(shape)
        ? this
        : graph.node(Op.EXPAND, List.of(this), Attributes.NONE, result, type);
  }

  /** Tensors joined along an axis, in which alone they may differ. */
  public static Tensor concat(int axis, Tensor... parts) {
    return concat(axis, Arrays.asList(parts));
  }

  /** Tensors joined along an axis, in which alone they may differ. */
  public static Tensor concat(int axis, List<Tensor> parts) {
    Tensor first = parts.get(0);
    int at = first.shape.axis(axis);
    Dim total = first.dim(at);
    for (Tensor part : parts.subList(1, parts.size())) {
      if (part.shape.rank() != first.shape.rank()
          || !part.shape.with(at, first.dim(at)).equals(first.shape)) {
        throw new ShapeException(
            "concat along " + axis,
            "equal shapes but for that axis",
            parts.stream().map(Tensor::shape).collect(Collectors.toList()));
      }
      requireType("concat", part, first.type);
      total = total.plus(part.dim(at));
    }
    return first.graph.node(
        Op.CONCAT,
        List.copyOf(parts),
        Attributes.of("axis", at),
        first.shape.with(at, total),
        first.type);
  }

  /**
   * The elements {@code start .. end-1} of an axis.
   *
   * @param start a {@link Dim} or an integer
   * @param end a {@link Dim} or an integer
   */
  public Tensor slice(int axis, Object start, Object end) {
    Dim from = Dim.from(start);
    Dim to = Dim.from(end);
    Dim extent = to.minus(from);
    boolean backwards = extent.isConstant() && extent.evaluate(java.util.Map.of()) <= 0;
    boolean beyond = to.isConstant() && dim(axis).isConstant() && to.value() > dim(axis).value();
    if (backwards || beyond) {
      throw new ShapeException(
          "slice of axis " + axis + " of " + shape, "a range", from + ":" + to);
    }
    return graph.node(
        Op.SLICE,
        List.of(this),
        Attributes.of("axis", shape.axis(axis), "start", from, "end", to),
        shape.with(axis, extent),
        type);
  }

  /** Equal parts along an axis. */
  public List<Tensor> chunk(int axis, int parts) {
    Dim extent = dim(axis).dividedBy(parts);
    return IntStream.range(0, parts)
        .mapToObj(i -> slice(axis, extent.times(i), extent.times(i + 1)))
        .collect(Collectors.toList());
  }

  /** Zeros added around the last two axes. */
  public Tensor pad(int left, int right, int top, int bottom) {
    Shape result = shape.with(-1, dim(-1).plus(left + right)).with(-2, dim(-2).plus(top + bottom));
    Attributes attributes = Attributes.of("widths", List.of(left, right, top, bottom));
    return graph.node(Op.PAD, List.of(this), attributes, result, type);
  }

  /** This with the order along an axis reversed. */
  public Tensor flip(int axis) {
    return unary(Op.FLIP, Attributes.of("axis", shape.axis(axis)));
  }

  // ---------------------------------------------------------------- look-ups

  /** Rows of this table [rows, width] for ids of any shape: {@code [.., width]}. */
  public Tensor embedding(Tensor ids) {
    requireRank("embedding", this, 2);
    requireType("embedding", ids, DataType.INT64);
    List<Dim> dims = new ArrayList<>(ids.shape.dims());
    dims.add(dim(1));
    return graph.node(Op.EMBEDDING, List.of(this, ids), Attributes.NONE, new Shape(dims), type);
  }

  /** The entries of an axis that {@code index} [count] names. */
  public Tensor indexSelect(int axis, Tensor index) {
    requireRank("indexSelect", index, 1);
    requireType("indexSelect", index, DataType.INT64);
    Shape result = shape.with(axis, index.dim(0));
    Attributes attributes = Attributes.of("axis", shape.axis(axis));
    return graph.node(Op.INDEX_SELECT, List.of(this, index), attributes, result, type);
  }

  /** For each entry of {@code index}, the element of this at that place along an axis. */
  public Tensor gather(int axis, Tensor index) {
    requireRank("gather", index, shape.rank());
    requireType("gather", index, DataType.INT64);
    Attributes attributes = Attributes.of("axis", shape.axis(axis));
    return graph.node(Op.GATHER, List.of(this, index), attributes, index.shape, type);
  }

  /** This with the rows (axis 0) named by {@code index} [count] replaced by {@code rows}. */
  public Tensor indexCopy(Tensor index, Tensor rows) {
    requireShape("the rows of indexCopy", rows, shape.with(0, index.dim(0)));
    return copied("indexCopy", 0, index, rows, false);
  }

  /**
   * This with the entries of an axis that {@code index} [count] names replaced. The engine may
   * write them into this tensor's own memory and keep it in a narrower type: who calls gives this
   * tensor up and goes on with the result. Has no gradient.
   */
  public Tensor overwrite(int axis, Tensor index, Tensor entries) {
    requireRank("overwrite", index, 1);
    requireShape("the entries of overwrite", entries, shape.with(axis, index.dim(0)));
    return copied("overwrite", shape.axis(axis), index, entries, true);
  }

  private Tensor copied(String what, int axis, Tensor index, Tensor entries, boolean inPlace) {
    requireType(what, index, DataType.INT64);
    Attributes attributes = Attributes.of("axis", axis, "inPlace", inPlace);
    return graph.node(Op.INDEX_COPY, List.of(this, index, entries), attributes, shape, type);
  }

  // ---------------------------------------------------------------- norms and the rest

  /**
   * Layer normalisation over the last axis.
   *
   * @param weight [width], or null for none
   * @param bias [width], or null for none
   */
  public Tensor layerNorm(Tensor weight, Tensor bias, double epsilon) {
    requireShape("the weight of layerNorm", weight, Shape.of(dim(-1)));
    requireShape("the bias of layerNorm", bias, Shape.of(dim(-1)));
    Attributes attributes = Attributes.of("epsilon", epsilon);
    return graph.node(Op.LAYER_NORM, Arrays.asList(this, weight, bias), attributes, shape, type);
  }

  /** {@code this * rsqrt(mean(this^2) + epsilon) * weight} over the last axis. */
  public Tensor rmsNorm(Tensor weight, double epsilon) {
    requireShape("the weight of rmsNorm", weight, Shape.of(dim(-1)));
    Attributes attributes = Attributes.of("epsilon", epsilon);
    return graph.node(Op.RMS_NORM, List.of(this, weight), attributes, shape, type);
  }

  /** Group normalisation of {@code [batch, channels, ..]}; weight and bias are [channels]. */
  public Tensor groupNorm(int groups, Tensor weight, Tensor bias, double epsilon) {
    if (dim(1).value() % groups != 0) {
      throw new ShapeException("groupNorm", "channels divisible by " + groups, shape);
    }
    requireShape("the weight of groupNorm", weight, Shape.of(dim(1)));
    requireShape("the bias of groupNorm", bias, Shape.of(dim(1)));
    Attributes attributes = Attributes.of("groups", groups, "epsilon", epsilon);
    return graph.node(Op.GROUP_NORM, List.of(this, weight, bias), attributes, shape, type);
  }

  /**
   * Rotary position embedding in the half-split layout: with halves {@code [a, b]} of the last
   * axis, {@code [a cos - b sin, b cos + a sin]} (Su et al. 2021, as in LLaMA).
   *
   * @param cos [batch or 1, length, depth / 2]; the receiver is [batch, heads, length, depth]
   * @param sin as {@code cos}
   */
  public Tensor rope(Tensor cos, Tensor sin) {
    requireRank("rope", this, 4);
    requireShape("rope", cos, Shape.of(cos.dim(0), dim(2), dim(3).dividedBy(2)));
    requireShape("rope", sin, cos.shape);
    return graph.node(Op.ROPE, List.of(this, cos, sin), Attributes.NONE, shape, type);
  }

  /**
   * Bilinear samples of {@code [batch, channels, height, width]}; outside the map is zero.
   *
   * @param grid [batch, rows, columns, 2]: x and y from -1 (the outer edge of the first pixel) to 1
   *     (that of the last)
   * @return [batch, channels, rows, columns]
   */
  public Tensor gridSample(Tensor grid) {
    requireRank("gridSample", this, 4);
    requireShape("gridSample", grid, Shape.of(dim(0), grid.dim(1), grid.dim(2), 2));
    Shape result = Shape.of(dim(0), dim(1), grid.dim(1), grid.dim(2));
    return graph.node(Op.GRID_SAMPLE, List.of(this, grid), Attributes.NONE, result, type);
  }

  /** {@code [batch, channels, h, w]} at another size; never antialiased. */
  public Tensor resize(Resampling method, boolean alignCorners, int height, int width) {
    requireRank("resize", this, 4);
    Shape result = shape.with(2, Dim.of(height)).with(3, Dim.of(width));
    if (result.equals(shape)) {
      return this;
    }
    Attributes attributes = Attributes.of("method", method, "alignCorners", alignCorners);
    return graph.node(Op.RESIZE, List.of(this), attributes, result, type);
  }

  /**
   * The mean cross entropy of logits [rows, classes] against class ids [rows].
   *
   * @param ignored rows with this id do not count
   */
  public Tensor crossEntropy(Tensor targets, int ignored) {
    requireRank("crossEntropy", this, 2);
    requireType("crossEntropy", targets, DataType.INT64);
    requireShape("the targets of crossEntropy", targets, Shape.of(dim(0)));
    Attributes attributes = Attributes.of("ignored", ignored);
    return graph.node(
        Op.CROSS_ENTROPY, List.of(this, targets), attributes, Shape.of(), DataType.FLOAT);
  }

  /**
   * This with a random share of its elements zero and the others larger for it, {@code 1 / (1 -
   * rate)} times; other elements each time the block runs (Srivastava et al. 2014). The draws are
   * the engine's own.
   *
   * @param rate the share, from 0 to less than 1
   */
  public Tensor dropout(double rate) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("dropout must be from 0 to less than 1, not " + rate);
    }
    return rate == 0 ? this : unary(Op.DROPOUT_AT_RATE, Attributes.of("rate", rate));
  }

  /** The same values, through which no gradient flows. */
  public Tensor detach() {
    return unary(Op.DETACH);
  }

  // ---------------------------------------------------------------- checks

  private Tensor unary(Op operation) {
    return unary(operation, Attributes.NONE);
  }

  private Tensor unary(Op operation, Attributes with) {
    return graph.node(operation, List.of(this), with, shape, type);
  }

  private Tensor binary(Op operation, Tensor other, DataType result) {
    requireType(operation.toString(), other, type);
    Shape common = Shape.broadcast(operation.toString(), shape, other.shape);
    return graph.node(operation, List.of(this, other), Attributes.NONE, common, result);
  }

  private Tensor reduce(Op operation, boolean keep, int... axes) {
    List<Integer> sorted =
        Arrays.stream(axes).map(shape::axis).sorted().boxed().collect(Collectors.toList());
    Shape result = shape;
    for (int i = sorted.size() - 1; i >= 0; i--) {
      result = keep ? result.with(sorted.get(i), Dim.of(1)) : result.without(sorted.get(i));
    }
    Attributes attributes = Attributes.of("axes", sorted, "keep", keep);
    return graph.node(operation, List.of(this), attributes, result, type);
  }

  private static void requireRank(String what, Tensor tensor, int rank) {
    if (tensor.shape.rank() != rank) {
      throw new ShapeException(what, rank + " axes", tensor.shape);
    }
  }

  private static void requireShape(String what, Tensor tensor, Shape expected) {
    if (tensor != null && !tensor.shape.equals(expected)) {
      throw new ShapeException(what, expected.toString(), tensor.shape);
    }
  }

  private static void requireType(String what, Tensor tensor, DataType expected) {
    if (tensor.type != expected) {
      throw new ShapeException(what, expected + " elements", tensor.type);
    }
  }

  @Override
  public String toString() {
    return op + "#" + id + shape;
  }
}
