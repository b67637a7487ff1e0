package io.deem.cases;

import static io.deem.cases.OpCase.In.bools;
import static io.deem.cases.OpCase.In.floats;
import static io.deem.cases.OpCase.In.longs;
import static io.deem.cases.OpCase.In.positive;
import static io.deem.cases.OpCase.In.random;

import io.deem.graph.DataType;
import io.deem.graph.Op;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;

/** What a block is given, and operations element by element. */
final class ElementCases {

  private ElementCases() {}

  static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    given(cases);
    binary(cases);
    unary(cases);
    truth(cases);
    casts(cases);
    return cases;
  }

  private static void given(List<OpCase> cases) {
    cases.add(OpCase.of(Op.INPUT, "returned as it is", random(1, 2, 3), x -> x, x -> x));
    cases.add(
        OpCase.of(
            Op.INPUT,
            "of unknown extents",
            random(1, 2, 3).declared(OpCase.symbol("rows"), OpCase.symbol("columns")),
            x -> x.plus(x),
            x -> x.map(v -> 2 * v)));
    cases.add(OpCase.of(Op.PARAM, "alone", random(2, 2, 3).asParam(), x -> x, x -> x));
    cases.add(
        OpCase.of(
            Op.PARAM,
            "with an input",
            random(2, 3),
            random(3, 3).asParam(),
            Tensor::times,
            (x, p) -> elementwise(x, p, new int[] {3}, (a, b) -> a * b)));
    float[] table = {1, -2, 0.5f};
    cases.add(
        OpCase.of(
            Op.CONSTANT,
            "",
            random(4, 2, 3),
            x -> x.times(x.graph().constant(table, 3)),
            x -> Nd.of(x.shape(), i -> x.at(i) * table[i[1]])));
  }

  private static void binary(List<OpCase> cases) {
    both(cases, Op.ADD, Tensor::plus, Double::sum);
    both(cases, Op.SUB, Tensor::minus, (a, b) -> a - b);
    both(cases, Op.MUL, Tensor::times, (a, b) -> a * b);
    both(cases, Op.MAXIMUM, Tensor::maximum, Math::max);
    both(cases, Op.MINIMUM, Tensor::minimum, Math::min);
    cases.add(
        OpCase.of(
            Op.DIV,
            "",
            random(5, 2, 3),
            positive(6, 3),
            Tensor::dividedBy,
            (a, b) -> elementwise(a, b, new int[] {2, 3}, (x, y) -> x / y)));
    cases.add(
        OpCase.of(
            Op.ADD,
            "of integers",
            longs(Nd.list(1, 2, 3)),
            longs(Nd.list(10, -20, 1L << 40)),
            Tensor::plus,
            (a, b) -> elementwise(a, b, new int[] {3}, Double::sum)));
    cases.add(
        OpCase.of(Op.ADD_SCALAR, "", random(7, 5), x -> x.plus(0.3), x -> x.map(v -> v + 0.3)));
    cases.add(
        OpCase.of(Op.ADD_SCALAR, "minus", random(7, 5), x -> x.minus(2), x -> x.map(v -> v - 2)));
    cases.add(
        OpCase.of(
            Op.ADD_SCALAR,
            "of integers",
            longs(Nd.list(4, 5)),
            x -> x.plus(3),
            x -> x.map(v -> v + 3)));
    cases.add(
        OpCase.of(
            Op.MUL_SCALAR, "", random(8, 5), x -> x.times(-1e-3), x -> x.map(v -> v * -1e-3)));
    cases.add(
        OpCase.of(
            Op.MUL_SCALAR,
            "of integers",
            longs(Nd.list(4, -5)),
            x -> x.times(3),
            x -> x.map(v -> v * 3)));
  }

  /** A binary operation on equal shapes, on a stretched operand, and on two stretched operands. */
  private static void both(
      List<OpCase> cases, Op op, BinaryOperator<Tensor> body, DoubleBinaryOperator scalar) {
    int[][][] shapes = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{3}, {2, 3}}, {{2, 1}, {1, 3}}};
    for (int[][] pair : shapes) {
      cases.add(
          OpCase.of(
              op,
              "",
              random(9, pair[0]),
              floats(Nd.random(10, pair[1]).map(v -> v + 1.0 / 128)),
              body,
              (a, b) -> elementwise(a, b, new int[] {2, 3}, scalar)));
    }
  }

  private static Nd elementwise(Nd a, Nd b, int[] shape, DoubleBinaryOperator scalar) {
    return Nd.of(shape, i -> scalar.applyAsDouble(a.at(i), b.at(i)));
  }

  private static void unary(List<OpCase> cases) {
    one(cases, Op.NEG, Tensor::negate, v -> -v);
    one(cases, Op.ABS, Tensor::abs, Math::abs);
    one(cases, Op.EXP, Tensor::exp, Math::exp);
    one(cases, Op.SIN, Tensor::sin, Math::sin);
    one(cases, Op.COS, Tensor::cos, Math::cos);
    one(cases, Op.TANH, Tensor::tanh, Math::tanh);
    one(cases, Op.SIGMOID, Tensor::sigmoid, ElementCases::sigmoid);
    one(cases, Op.SILU, Tensor::silu, v -> v * sigmoid(v));
    one(cases, Op.RELU, Tensor::relu, v -> Math.max(v, 0));
    one(cases, Op.GELU, Tensor::gelu, v -> v * 0.5 * (1 + erf(v / Math.sqrt(2))));
    one(cases, Op.GELU_TANH, Tensor::geluTanh, ElementCases::geluTanh);
    one(cases, Op.SIGMOID, Tensor::quickGelu, v -> v * sigmoid(1.702 * v));
    one(cases, Op.ROUND, Tensor::round, Math::rint);
    one(cases, Op.CLAMP, x -> x.clamp(-0.5, 1), v -> Math.max(-0.5, Math.min(1, v)));
    cases.add(OpCase.of(Op.LOG, "", positive(12, 8), Tensor::log, x -> x.map(Math::log)));
    cases.add(OpCase.of(Op.SQRT, "", positive(13, 8), Tensor::sqrt, x -> x.map(Math::sqrt)));
    cases.add(
        OpCase.of(Op.RSQRT, "", positive(14, 8), Tensor::rsqrt, x -> x.map(v -> 1 / Math.sqrt(v))));
    Nd halves = Nd.list(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5);
    Nd even = Nd.list(-2, -2, 0, 0, 2, 2);
    cases.add(OpCase.of(Op.ROUND, "halves", floats(halves), Tensor::round, x -> even).rough());
    cases.add(OpCase.of(Op.DETACH, "values", random(15, 4), Tensor::detach, x -> x).rough());
    // Where nothing is dropped, as anywhere but in a training that asks for it.
    cases.add(OpCase.of(Op.DROPOUT, "of none", random(16, 4, 5), x -> x.dropout(), x -> x));
    cases.add(
        OpCase.of(
            Op.DROPOUT, "of no sample", random(17, 4, 5), x -> x.stochasticDepth(0.5), x -> x));
  }

  private static void one(
      List<OpCase> cases, Op op, UnaryOperator<Tensor> body, DoubleUnaryOperator scalar) {
    cases.add(OpCase.of(op, "", random(11, 4, 5), body, x -> x.map(scalar)));
  }

  private static void truth(List<OpCase> cases) {
    Nd first = Nd.list(1, 2, 3, 4);
    Nd second = Nd.list(1, 3, 2, 4);
    cases.add(
        OpCase.of(
            Op.EQUAL,
            "",
            longs(first),
            longs(second),
            Tensor::equalTo,
            (a, b) -> Nd.list(1, 0, 0, 1)));
    cases.add(
        OpCase.of(
            Op.EQUAL,
            "",
            floats(first),
            floats(second),
            Tensor::equalTo,
            (a, b) -> Nd.list(1, 0, 0, 1)));
    cases.add(
        OpCase.of(
            Op.LESS,
            "",
            longs(first),
            longs(second),
            Tensor::lessThan,
            (a, b) -> Nd.list(0, 1, 0, 0)));
    cases.add(
        OpCase.of(
            Op.LESS,
            "",
            floats(first),
            floats(second),
            Tensor::lessThan,
            (a, b) -> Nd.list(0, 1, 0, 0)));
    Nd yes = Nd.list(1, 1, 0, 0);
    Nd no = Nd.list(1, 0, 1, 0);
    cases.add(
        OpCase.of(Op.AND, "", bools(yes), bools(no), Tensor::and, (a, b) -> Nd.list(1, 0, 0, 0)));
    cases.add(OpCase.of(Op.NOT, "", bools(yes), Tensor::not, x -> Nd.list(0, 0, 1, 1)));
    cases.add(
        OpCase.of(
            Op.WHERE,
            "stretched",
            List.of(bools(yes.reshape(4, 1)), random(16, 4, 3), random(17, 3)),
            x -> x.get(0).where(x.get(1), x.get(2)),
            x ->
                Nd.of(
                    new int[] {4, 3}, i -> x.get(0).at(i) != 0 ? x.get(1).at(i) : x.get(2).at(i))));
  }

  private static void casts(List<OpCase> cases) {
    Nd numbers = Nd.list(0, 1.75, -1.75, 2);
    cases.add(
        OpCase.of(
                Op.CAST,
                "truth to number",
                bools(Nd.list(0, 1)),
                x -> x.cast(DataType.FLOAT),
                x -> Nd.list(0, 1))
            .rough());
    cases.add(
        OpCase.of(
            Op.CAST,
            "truth to a factor",
            bools(Nd.list(0, 1)),
            random(18, 2),
            (mask, x) -> mask.cast(DataType.FLOAT).times(x),
            (mask, x) -> Nd.list(0, x.at(1))));
    cases.add(
        OpCase.of(
            Op.CAST,
            "truth to integer",
            bools(Nd.list(0, 1)),
            x -> x.cast(DataType.INT64),
            x -> Nd.list(0, 1)));
    cases.add(
        OpCase.of(
                Op.CAST,
                "integer to number",
                longs(Nd.list(-3, 7)),
                x -> x.cast(DataType.FLOAT),
                x -> Nd.list(-3, 7))
            .rough());
    cases.add(
        OpCase.of(
            Op.CAST,
            "number to integer, towards zero",
            floats(numbers),
            x -> x.cast(DataType.INT64),
            x -> Nd.list(0, 1, -1, 2)));
    cases.add(
        OpCase.of(
            Op.CAST,
            "number to truth",
            floats(numbers),
            x -> x.cast(DataType.BOOL),
            x -> Nd.list(0, 1, 1, 1)));
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double geluTanh(double x) {
    return x * 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  /** The error function by its power series, good to rounding for small arguments. */
  private static double erf(double x) {
    double sum = 0;
    double term = x;
    for (int n = 0; n < 60; n++) {
      sum += term / (2 * n + 1);
      term *= -x * x / (n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }
}
