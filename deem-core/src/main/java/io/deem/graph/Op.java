package io.deem.graph;

/**
 * The operations of a graph. {@link Tensor} has a method for each, which documents it and checks
 * its operands; a compiler has one case for each.
 */
public enum Op {
  // What a block is given.
  INPUT,
  PARAM,
  CONSTANT,
  // Element by element.
  ADD,
  SUB,
  MUL,
  DIV,
  MAXIMUM,
  MINIMUM,
  ADD_SCALAR,
  MUL_SCALAR,
  NEG,
  ABS,
  EXP,
  LOG,
  SQRT,
  RSQRT,
  SIN,
  COS,
  TANH,
  SIGMOID,
  SILU,
  RELU,
  GELU,
  GELU_TANH,
  ROUND,
  CLAMP,
  EQUAL,
  LESS,
  AND,
  NOT,
  WHERE,
  CAST,
  // Along axes.
  SUM,
  MEAN,
  MAX,
  LOG_SUM_EXP,
  CUMULATIVE_SUM,
  SOFTMAX,
  LOG_SOFTMAX,
  ARG_MAX,
  // Products.
  MATMUL,
  LINEAR,
  CONV2D,
  CONV_TRANSPOSE2D,
  ATTENTION,
  // Shape.
  RESHAPE,
  TRANSPOSE,
  EXPAND,
  CONCAT,
  SLICE,
  PAD,
  FLIP,
  // Noise that only training has.
  DROPOUT,
  // Look-ups.
  EMBEDDING,
  INDEX_SELECT,
  GATHER,
  INDEX_COPY,
  // Norms and the rest.
  LAYER_NORM,
  RMS_NORM,
  GROUP_NORM,
  ROPE,
  GRID_SAMPLE,
  RESIZE,
  CROSS_ENTROPY,
  DROPOUT_AT_RATE,
  DETACH;

  /** Whether its first operand must be floating-point. */
  boolean needsFloats() {
    return switch (this) {
      case DIV, EXP, LOG, SQRT, RSQRT, SIN, COS, TANH, SIGMOID, SILU, GELU, GELU_TANH, CLAMP ->
          true;
      case MEAN, LOG_SUM_EXP, SOFTMAX, LOG_SOFTMAX -> true;
      case MATMUL, LINEAR, CONV2D, CONV_TRANSPOSE2D, ATTENTION -> true;
      case LAYER_NORM, RMS_NORM, GROUP_NORM, ROPE, GRID_SAMPLE, RESIZE, CROSS_ENTROPY -> true;
      default -> false;
    };
  }

  /** Whether the result's gradient reaches its operands. */
  boolean passesGradient() {
    return switch (this) {
      case DETACH, EQUAL, LESS, AND, NOT, ARG_MAX, ROUND -> false;
      default -> true;
    };
  }

  /** Whether its first operand must be numbers and not truth values. */
  boolean needsNumbers() {
    return switch (this) {
      case ADD, SUB, MUL, MAXIMUM, MINIMUM, ADD_SCALAR, MUL_SCALAR, NEG, ABS, RELU, ROUND -> true;
      case LESS, SUM, MAX, CUMULATIVE_SUM, ARG_MAX -> true;
      default -> needsFloats();
    };
  }
}
