package io.deem.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Collects the operations of one {@link Block} while network code calls the methods of {@link
 * Tensor}.
 *
 * <pre>{@code
 * Block mlp = Graph.block("mlp", g -> {
 *   Tensor x = g.input("x", Shape.of(Dim.symbol("batch"), 64));
 *   return List.of(up.apply(x).silu());
 * });
 * }</pre>
 *
 * Not safe for use from several threads.
 */
public final class Graph {

  private final String name;
  private final List<Tensor> nodes = new ArrayList<>();
  private final List<Tensor> inputs = new ArrayList<>();
  private final Map<String, Tensor> params = new LinkedHashMap<>();
  private final List<Tensor> constants = new ArrayList<>();

  private Graph(String name) {
    this.name = Objects.requireNonNull(name);
  }

  /**
   * Builds a block.
   *
   * @param name names the block in errors and reports; blocks need not have different names
   * @param body network code: declares inputs, computes, and returns the block's results
   */
  public static Block block(String name, Function<Graph, List<Tensor>> body) {
    Graph graph = new Graph(name);
    try {
      List<Tensor> outputs = body.apply(graph);
      return new Block(
          name,
          graph.nodes,
          graph.inputs,
          List.copyOf(graph.params.values()),
          graph.constants,
          outputs);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("in the block " + name + ": " + e.getMessage(), e);
    }
  }

  /** Declares a floating-point input. */
  public Tensor input(String inputName, Shape shape) {
    return input(inputName, shape, DataType.FLOAT);
  }

  /**
   * Declares an input; inputs are given to the block in the order of their declaration.
   *
   * @param inputName for errors
   * @param shape a symbol of its own is bound to the extent it meets here
   */
  public Tensor input(String inputName, Shape shape, DataType type) {
    Attributes attributes = Attributes.of("name", inputName, "index", inputs.size());
    Tensor input = node(Op.INPUT, List.of(), attributes, shape, type);
    inputs.add(input);
    return input;
  }

  /** The value of a parameter; asking again gives the same tensor. */
  public Tensor param(Param param) {
    Tensor known = params.get(param.name());
    if (known == null) {
      Attributes attributes = Attributes.of("param", param, "index", params.size());
      known = node(Op.PARAM, List.of(), attributes, param.shape(), DataType.FLOAT);
      params.put(param.name(), known);
    } else if (!known.shape().equals(param.shape())) {
      throw new ShapeException("the parameter " + param.name(), "one shape", param.shape());
    }
    return known;
  }

  /**
   * A table that the network computes once, such as position embeddings.
   *
   * @param values in row-major order; not copied
   */
  public Tensor constant(float[] values, long... extents) {
    Shape shape = Shape.of(extents);
    if (!shape.size().is(values.length)) {
      throw new ShapeException("a constant", shape.size() + " values for " + shape, values.length);
    }
    Attributes attributes = Attributes.of("values", values, "index", constants.size());
    Tensor constant = node(Op.CONSTANT, List.of(), attributes, shape, DataType.FLOAT);
    constants.add(constant);
    return constant;
  }

  Tensor node(Op op, List<Tensor> operands, Attributes attributes, Shape shape, DataType type) {
    for (Tensor operand : operands) {
      if (operand != null && operand.graph() != this) {
        throw new IllegalArgumentException(
            op + " mixes tensors of the block " + name + " with those of another");
      }
    }
    if (!operands.isEmpty()) {
      requireType(op, operands.get(0).type());
    }
    Tensor tensor = new Tensor(this, nodes.size(), op, operands, attributes, shape, type);
    nodes.add(tensor);
    return tensor;
  }

  /**
   * Engines give these operations' results on other types a type that the graph does not expect.
   */
  private static void requireType(Op op, DataType given) {
    if (op.needsFloats() && given != DataType.FLOAT) {
      throw new ShapeException(op.toString(), DataType.FLOAT + " elements", given);
    }
    if (op.needsNumbers() && given == DataType.BOOL) {
      throw new ShapeException(op.toString(), "numbers", given);
    }
  }
}
