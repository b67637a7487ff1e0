package io.deem.torch;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * An operation, what it is given, and what it should return.
 *
 * @param op the operation under test
 * @param what tells cases of one operation apart
 * @param inputs what it is given
 * @param body applies the operation
 * @param expected computes the result by other means
 * @param smooth whether its gradient is compared with finite differences
 */
record OpCase(
    Op op,
    String what,
    List<In> inputs,
    Function<List<Tensor>, Tensor> body,
    Function<List<Nd>, Nd> expected,
    boolean smooth) {

  /**
   * One input.
   *
   * @param declared the shape in the graph, which may have symbols
   * @param param whether it is a parameter and not an input
   */
  record In(Nd values, DataType type, Shape declared, boolean param) {

    static In floats(Nd values) {
      return new In(values, DataType.FLOAT, Shape.of(values.extents()), false);
    }

    static In random(long seed, int... shape) {
      return floats(Nd.random(seed, shape));
    }

    static In positive(long seed, int... shape) {
      return floats(Nd.positive(seed, shape));
    }

    static In longs(Nd values) {
      return new In(values, DataType.INT64, Shape.of(values.extents()), false);
    }

    static In bools(Nd values) {
      return new In(values, DataType.BOOL, Shape.of(values.extents()), false);
    }

    In declared(Object... extents) {
      return new In(values, type, Shape.of(extents), param);
    }

    In asParam() {
      return new In(values, type, declared, true);
    }
  }

  static OpCase of(
      Op op,
      String what,
      List<In> inputs,
      Function<List<Tensor>, Tensor> body,
      Function<List<Nd>, Nd> expected) {
    return new OpCase(op, what, inputs, body, expected, true);
  }

  static OpCase of(
      Op op, String what, In input, UnaryOperator<Tensor> body, UnaryOperator<Nd> expected) {
    return of(op, what, List.of(input), x -> body.apply(x.get(0)), x -> expected.apply(x.get(0)));
  }

  static OpCase of(
      Op op,
      String what,
      In first,
      In second,
      BinaryOperator<Tensor> body,
      BinaryOperator<Nd> expected) {
    return of(
        op,
        what,
        List.of(first, second),
        x -> body.apply(x.get(0), x.get(1)),
        x -> expected.apply(x.get(0), x.get(1)));
  }

  /** This case without a comparison of gradients. */
  OpCase rough() {
    return new OpCase(op, what, inputs, body, expected, false);
  }

  Nd expectedResult() {
    return expected.apply(inputs.stream().map(In::values).toList());
  }

  /** The name of the parameter that the input of this index is. */
  static String paramName(int index) {
    return "p" + index;
  }

  /**
   * The block of this case. Its results are the operation's and, if it is differentiated, the sum
   * of them weighted by a last input.
   *
   * @param differentiated whether there is that sum
   * @param throughProducts whether floating-point inputs first pass through a product with the
   *     identity, after which a reduced precision holds them in bfloat16
   */
  Block block(boolean differentiated, boolean throughProducts) {
    return Graph.block(
        toString(),
        g -> {
          List<Tensor> operands = new ArrayList<>();
          for (int i = 0; i < inputs.size(); i++) {
            In in = inputs.get(i);
            Tensor operand =
                in.param
                    ? g.param(Param.of(paramName(i), in.values.extents()))
                    : g.input("in" + i, in.declared, in.type);
            boolean product = throughProducts && in.type == DataType.FLOAT && !in.param;
            operands.add(product ? timesIdentity(g, operand) : operand);
          }
          Tensor result = body.apply(operands);
          if (!differentiated) {
            return List.of(result);
          }
          Tensor weighted = result.times(g.input("weights", result.shape()));
          int[] axes = IntStream.range(0, weighted.shape().rank()).toArray();
          return List.of(result, axes.length == 0 ? weighted : weighted.sum(false, axes));
        });
  }

  private static Tensor timesIdentity(Graph g, Tensor x) {
    if (x.shape().rank() == 0 || !x.dim(-1).isConstant()) {
      return x;
    }
    int width = x.dim(-1).value();
    float[] identity = new float[width * width];
    for (int i = 0; i < width; i++) {
      identity[i * width + i] = 1;
    }
    return x.linear(g.constant(identity, width, width), null);
  }

  static Dim symbol(String name) {
    return Dim.symbol(name);
  }

  @Override
  public String toString() {
    return op + " " + what + inputs.stream().map(in -> Arrays.toString(in.values.shape())).toList();
  }
}
