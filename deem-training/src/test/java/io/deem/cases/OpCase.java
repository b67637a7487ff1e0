package io.deem.cases;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Op;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
public record OpCase(
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
  public record In(Nd values, DataType type, Shape declared, boolean param) {

    public static In floats(Nd values) {
      return new In(values, DataType.FLOAT, Shape.of(values.extents()), false);
    }

    public static In random(long seed, int... shape) {
      return floats(Nd.random(seed, shape));
    }

    public static In positive(long seed, int... shape) {
      return floats(Nd.positive(seed, shape));
    }

    public static In longs(Nd values) {
      return new In(values, DataType.INT64, Shape.of(values.extents()), false);
    }

    public static In bools(Nd values) {
      return new In(values, DataType.BOOL, Shape.of(values.extents()), false);
    }

    public In declared(Object... extents) {
      return new In(values, type, Shape.of(extents), param);
    }

    public In asParam() {
      return new In(values, type, declared, true);
    }
  }

  public static OpCase of(
      Op op,
      String what,
      List<In> inputs,
      Function<List<Tensor>, Tensor> body,
      Function<List<Nd>, Nd> expected) {
    return new OpCase(op, what, inputs, body, expected, true);
  }

  public static OpCase of(
      Op op, String what, In input, UnaryOperator<Tensor> body, UnaryOperator<Nd> expected) {
    return of(op, what, List.of(input), x -> body.apply(x.get(0)), x -> expected.apply(x.get(0)));
  }

  public static OpCase of(
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
  public OpCase rough() {
    return new OpCase(op, what, inputs, body, expected, false);
  }

  public Nd expectedResult() {
    return expected.apply(inputs.stream().map(In::values).toList());
  }

  /** The name of the parameter that the input of this index is. */
  public static String paramName(int index) {
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
  public Block block(boolean differentiated, boolean throughProducts) {
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

  /**
   * This case with its floating-point inputs of known extents, but for the first, as parameters.
   */
  public OpCase withParams() {
    List<In> changed = new ArrayList<>();
    boolean first = true;
    for (In in : inputs) {
      boolean number = in.type == DataType.FLOAT;
      changed.add(number && !first && in.declared.isConstant() ? in.asParam() : in);
      first &= !number;
    }
    return new OpCase(op, what, changed, body, expected, smooth);
  }

  /** The values of the parameters. */
  public TensorSource params() {
    return new Params(this);
  }

  /** The parameters of a case, which lie in no file. */
  private record Params(OpCase operation) implements TensorSource {

    private Nd values(String name) {
      return operation.inputs().get(Integer.parseInt(name.substring(1))).values();
    }

    @Override
    public Set<String> names() {
      Set<String> names = new TreeSet<>();
      for (int i = 0; i < operation.inputs().size(); i++) {
        if (operation.inputs().get(i).param()) {
          names.add(OpCase.paramName(i));
        }
      }
      return names;
    }

    @Override
    public TensorInfo info(String name) {
      Nd values = values(name);
      return new TensorInfo(
          name, ElementType.F32, values.extents(), 0, 4L * values.values().length);
    }

    @Override
    public float[] floats(String name) {
      return values(name).floats();
    }

    @Override
    public ByteBuffer bytes(String name) {
      float[] numbers = floats(name);
      ByteBuffer bytes =
          ByteBuffer.allocateDirect(Float.BYTES * numbers.length).order(ByteOrder.nativeOrder());
      bytes.asFloatBuffer().put(numbers);
      return bytes;
    }

    @Override
    public long[] longs(String name) {
      throw new IllegalStateException(name + ": not integral");
    }

    @Override
    public String origin() {
      return operation.toString();
    }

    @Override
    public void close() {}
  }

  /** All cases; there is one for each operation. */
  public static List<OpCase> all() {
    return Stream.of(
            ElementCases.all(),
            AxisCases.all(),
            ProductCases.all(),
            ShapeCases.all(),
            NormCases.all())
        .flatMap(List::stream)
        .toList();
  }

  public static Dim symbol(String name) {
    return Dim.symbol(name);
  }

  @Override
  public String toString() {
    return op + " " + what + inputs.stream().map(in -> Arrays.toString(in.values.shape())).toList();
  }
}
