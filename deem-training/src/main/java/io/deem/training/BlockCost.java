package io.deem.training;

import io.deem.graph.Block;
import io.deem.graph.Dropped;
import io.deem.graph.Op;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.torch.Precision;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What one run of a block costs, read off its graph: the bytes that libtorch keeps for its backward
 * pass and the floating-point operations of its products.
 *
 * <p>Which operands an operation keeps follows libtorch's derivative formulas; views keep what they
 * are views of, and a product of a view that does not lie in one piece keeps a copy.
 */
final class BlockCost {

  private final Map<String, Long> symbols;
  private final Precision precision;
  private final boolean drops;
  private final Set<Tensor> learning;
  private final Map<Object, Long> kept = new HashMap<>();
  private final Set<Object> elsewhere = new HashSet<>();
  private long largest;
  private double forward;
  private double backward;

  /** A copy that an operation makes of an operand. */
  private record Copy(Tensor of, String why) {}

  /**
   * The cost of a run.
   *
   * @param symbols the values of the block's symbols
   * @param learningInputs for each input whether a gradient has to reach it
   * @param trainable which parameters learn
   */
  BlockCost(
      Block block,
      Map<String, Long> symbols,
      List<Boolean> learningInputs,
      Predicate<String> trainable,
      Precision precision,
      boolean drops) {
    this.symbols = symbols;
    this.precision = precision;
    this.drops = drops;
    this.learning = block.learning(learningInputs, trainable);
    for (Tensor node : block.nodes()) {
      visit(node);
    }
    block.outputs().forEach(output -> elsewhere.add(storage(output)));
    block.nodes().stream()
        .filter(node -> node.op() == Op.INPUT || node.op() == Op.PARAM || node.op() == Op.CONSTANT)
        .forEach(elsewhere::add);
  }

  /** Whether a gradient reaches a result. */
  boolean learns(Tensor output) {
    return learning.contains(output);
  }

  /** Bytes kept for the backward pass, besides the block's inputs, parameters and results. */
  long keptBytes() {
    return kept.entrySet().stream()
        .filter(entry -> !elsewhere.contains(entry.getKey()))
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  /** Bytes of the largest operation's operands and result together, for what lives but briefly. */
  long largestBytes() {
    return largest;
  }

  /** Floating-point operations of the products, a multiplication and an addition each two. */
  double forwardFlops() {
    return forward;
  }

  /** Those of the backward pass, without computing anything again. */
  double backwardFlops() {
    return backward;
  }

  private void visit(Tensor node) {
    if (node.op() == Op.PARAM || node.op() == Op.INPUT || node.op() == Op.CONSTANT) {
      return;
    }
    long bytes = bytes(node);
    for (Tensor operand : node.operands()) {
      bytes += operand == null || operand.op() == Op.PARAM ? 0 : bytes(operand);
    }
    largest = Math.max(largest, bytes + scores(node));
    flops(node);
    if (learning.contains(node)) {
      keep(node);
    }
  }

  private boolean learnsOperand(Tensor operand) {
    return learning.contains(operand);
  }

  // ---------------------------------------------------------------- memory

  private void keep(Tensor node) {
    List<Tensor> operands = node.operands();
    Tensor first = operands.get(0);
    switch (node.op()) {
      case MUL, MAXIMUM, MINIMUM -> {
        if (learnsOperand(operands.get(1)) || node.op() != Op.MUL) {
          keepValue(first);
        }
        if (learnsOperand(first) || node.op() != Op.MUL) {
          keepValue(operands.get(1));
        }
      }
      case DIV -> {
        keepValue(operands.get(1));
        if (learnsOperand(operands.get(1))) {
          keepValue(first);
        }
      }
      case EXP, SQRT, RSQRT, TANH, SIGMOID, SOFTMAX, LOG_SOFTMAX, RELU -> keepValue(node);
      case LOG, SIN, COS, ABS, SILU, GELU, GELU_TANH, CLAMP, LAYER_NORM, GROUP_NORM ->
          keepValue(first);
      case RMS_NORM -> {
        keepValue(first);
        keepCopy(node, "normalised", Float.BYTES, elements(first));
      }
      case MAX, LOG_SUM_EXP -> {
        keepValue(first);
        keepValue(node);
      }
      case WHERE -> keepValue(first);
      case MATMUL, LINEAR, CONV2D, CONV_TRANSPOSE2D -> keepProduct(node);
      case ATTENTION -> keepAttention(node);
      case GRID_SAMPLE -> {
        keepValue(first);
        keepValue(operands.get(1));
      }
      case CROSS_ENTROPY -> keepCopy(node, "log softmax", Float.BYTES, elements(first));
      case GATHER, INDEX_SELECT, INDEX_COPY, EMBEDDING -> keepValue(operands.get(1));
      case DROPOUT -> {
        if (drops) {
          keepCopy(node, "mask", Float.BYTES, elements(node));
        }
      }
      default -> {
        // Needs no more than shapes.
      }
    }
  }

  private void keepProduct(Tensor node) {
    Tensor x = node.operands().get(0);
    Tensor weight = node.operands().get(1);
    boolean convolution = node.op() == Op.CONV2D || node.op() == Op.CONV_TRANSPOSE2D;
    if (convolution || learnsOperand(weight)) {
      keepOperand(x, node);
    }
    if (convolution || learnsOperand(x)) {
      keepOperand(weight, node);
    }
  }

  private void keepOperand(Tensor operand, Tensor node) {
    if (precision == Precision.BF16) {
      keepCopy(operand, "bfloat16", Short.BYTES, elements(operand));
    } else if (contiguous(operand) || operand.op() == Op.PARAM) {
      keepValue(operand);
    } else {
      keepCopy(operand, "in one piece for " + node.id(), Float.BYTES, elements(operand));
    }
  }

  private void keepAttention(Tensor node) {
    int width = precision == Precision.BF16 ? Short.BYTES : Float.BYTES;
    long heads = evaluate(node.operands().get(0).shape().with(-1, io.deem.graph.Dim.of(1)));
    long queries = node.operands().get(0).dim(-1).evaluate(symbols) * heads;
    keepCopy(node, "query", width, queries);
    keepCopy(node, "key", width, elements(node.operands().get(1)));
    keepCopy(node, "value", width, elements(node.operands().get(2)));
    long scores = scores(node) / Float.BYTES;
    keepCopy(node, "weights", Float.BYTES, scores);
    if (precision == Precision.BF16) {
      keepCopy(node, "weights in bfloat16", Short.BYTES, scores);
    }
    if (drops && Dropped.at(node)) {
      keepCopy(node, "mask", Float.BYTES, scores);
      keepCopy(node, "dropped weights", Float.BYTES, scores);
    }
  }

  private void keepValue(Tensor value) {
    Tensor owner = storage(value);
    kept.put(owner, bytes(owner));
  }

  private void keepCopy(Tensor of, String why, int width, long elements) {
    kept.put(new Copy(of, why), width * elements);
  }

  /** The tensor whose memory this one shares. */
  private Tensor storage(Tensor tensor) {
    return switch (tensor.op()) {
      case TRANSPOSE, EXPAND, SLICE, DETACH -> storage(tensor.operands().get(0));
      case RESHAPE ->
          contiguous(tensor.operands().get(0)) ? storage(tensor.operands().get(0)) : tensor;
      case DROPOUT -> drops ? tensor : storage(tensor.operands().get(0));
      default -> tensor;
    };
  }

  private boolean contiguous(Tensor tensor) {
    return switch (tensor.op()) {
      case TRANSPOSE, EXPAND, SLICE -> false;
      case DROPOUT, DETACH -> contiguous(tensor.operands().get(0));
      default -> true;
    };
  }

  /** Bytes of an attention's scores; 0 for other operations. */
  private long scores(Tensor node) {
    if (node.op() != Op.ATTENTION) {
      return 0;
    }
    Shape shape = node.operands().get(0).shape().with(-1, node.operands().get(1).dim(2));
    return Float.BYTES * evaluate(shape);
  }

  private long bytes(Tensor tensor) {
    int width =
        switch (tensor.type()) {
          case FLOAT -> Float.BYTES;
          case INT64 -> Long.BYTES;
          case BOOL -> 1;
        };
    return width * elements(tensor);
  }

  private long elements(Tensor tensor) {
    return evaluate(tensor.shape());
  }

  private long evaluate(Shape shape) {
    return shape.dims().stream().mapToLong(dim -> dim.evaluate(symbols)).reduce(1, (a, b) -> a * b);
  }

  // ---------------------------------------------------------------- arithmetic

  private void flops(Tensor node) {
    List<Tensor> operands = node.operands();
    if (node.op() == Op.ATTENTION) {
      double keys = operands.get(1).dim(2).evaluate(symbols);
      double scores = 2.0 * elements(operands.get(0)) * keys;
      double mixed = 2.0 * elements(node) * keys;
      add(scores, learnsOperand(operands.get(0)), learnsOperand(operands.get(1)));
      boolean weights = learnsOperand(operands.get(0)) || learnsOperand(operands.get(1));
      add(mixed, weights, learnsOperand(operands.get(2)));
      return;
    }
    double inner =
        switch (node.op()) {
          case LINEAR, MATMUL -> operands.get(0).dim(-1).evaluate(symbols);
          // Each result is a sum over a kernel's channels and places.
          case CONV2D ->
              (double) elements(operands.get(1)) / operands.get(1).dim(0).evaluate(symbols);
          // Each operand is spread over a kernel's channels and places.
          case CONV_TRANSPOSE2D ->
              (double) elements(operands.get(1))
                  / operands.get(1).dim(0).evaluate(symbols)
                  * elements(operands.get(0))
                  / elements(node);
          default -> 0;
        };
    if (inner > 0) {
      add(
          2 * inner * elements(node),
          learnsOperand(operands.get(0)),
          learnsOperand(operands.get(1)));
    }
  }

  /** A product; each operand that learns needs another one of the same size. */
  private void add(double flops, boolean first, boolean second) {
    forward += flops;
    backward += flops * ((first ? 1 : 0) + (second ? 1 : 0));
  }
}
