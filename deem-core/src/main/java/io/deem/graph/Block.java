package io.deem.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * One subgraph, run by one native call. Immutable; engines compile it once.
 *
 * <p>Blocks are the unit of gradient checkpointing, of progress and of loading weights layer by
 * layer. Blocks of equal structure, such as the layers of a language model, share their compiled
 * form.
 */
public final class Block {

  private final String name;
  private final List<Tensor> nodes;
  private final List<Tensor> inputs;
  private final List<Tensor> paramNodes;
  private final List<Tensor> constants;
  private final List<Tensor> outputs;

  Block(
      String name,
      List<Tensor> nodes,
      List<Tensor> inputs,
      List<Tensor> paramNodes,
      List<Tensor> constants,
      List<Tensor> outputs) {
    if (outputs.isEmpty()) {
      throw new IllegalArgumentException("a block must have a result");
    }
    this.name = name;
    this.nodes = List.copyOf(nodes);
    this.inputs = List.copyOf(inputs);
    this.paramNodes = List.copyOf(paramNodes);
    this.constants = List.copyOf(constants);
    this.outputs = List.copyOf(outputs);
  }

  /** The name for errors and reports. */
  public String name() {
    return name;
  }

  /** Every operation, each after its operands. */
  public List<Tensor> nodes() {
    return nodes;
  }

  /** What the block is given when it runs, in order. */
  public List<Tensor> inputs() {
    return inputs;
  }

  /** The parameters the block reads, in order of first use. */
  public List<Param> params() {
    return paramNodes.stream()
        .map(t -> t.attributes().get("param", Param.class))
        .collect(Collectors.toList());
  }

  /**
   * The parameters that are read as the matrices of linear layers or as tables that rows are looked
   * up in, and as nothing else: those that may be stored in few bits. In order of first use.
   */
  public List<Param> matrices() {
    Set<Tensor> others = new HashSet<>(outputs);
    for (Tensor node : nodes) {
      for (int i = 0; i < node.operands().size(); i++) {
        boolean matrix =
            (node.op() == Op.LINEAR && i == 1) || (node.op() == Op.EMBEDDING && i == 0);
        if (!matrix) {
          others.add(node.operands().get(i));
        }
      }
    }
    return paramNodes.stream()
        .filter(node -> !others.contains(node) && node.shape().rank() == 2)
        .map(node -> node.attributes().get("param", Param.class))
        .collect(Collectors.toList());
  }

  /** Tables given with the graph. */
  public List<Tensor> constants() {
    return constants;
  }

  /** What the block computes, in order. */
  public List<Tensor> outputs() {
    return outputs;
  }

  /**
   * The operations that a gradient passes through: those that depend on something that learns.
   *
   * @param learningInputs for each input whether it learns, or depends on what learns
   * @param learningParams which parameters learn, by name
   */
  public Set<Tensor> learning(List<Boolean> learningInputs, Predicate<String> learningParams) {
    Set<Tensor> learning = new HashSet<>();
    for (int i = 0; i < inputs.size(); i++) {
      if (learningInputs.get(i)) {
        learning.add(inputs.get(i));
      }
    }
    for (Tensor node : nodes) {
      boolean learns =
          node.op() == Op.PARAM
              ? learningParams.test(node.attributes().get("param", Param.class).name())
              : node.type() == DataType.FLOAT
                  && node.op().passesGradient()
                  && node.operands().stream().anyMatch(learning::contains);
      if (learns) {
        learning.add(node);
      }
    }
    return learning;
  }

  /**
   * Checks the shapes that a block is about to be run with.
   *
   * @param shapes of the inputs, in order
   * @return the value of each symbol
   * @throws ShapeException naming the block and the input
   */
  public Map<String, Long> bind(List<long[]> shapes) {
    if (shapes.size() != inputs.size()) {
      throw new ShapeException("the block " + name, inputs.size() + " inputs", shapes.size());
    }
    Map<String, Long> symbols = new LinkedHashMap<>();
    for (int i = 0; i < shapes.size(); i++) {
      Shape declared = inputs.get(i).shape();
      long[] actual = shapes.get(i);
      if (actual.length != declared.rank()) {
        throw mismatch(i, actual);
      }
      for (int axis = 0; axis < actual.length; axis++) {
        String symbol = declared.dim(axis).symbolName();
        if (symbol != null) {
          symbols.putIfAbsent(symbol, actual[axis]);
        }
      }
    }
    for (int i = 0; i < shapes.size(); i++) {
      for (int axis = 0; axis < shapes.get(i).length; axis++) {
        if (inputs.get(i).shape().dim(axis).evaluate(symbols) != shapes.get(i)[axis]) {
          throw mismatch(i, shapes.get(i));
        }
      }
    }
    return symbols;
  }

  /**
   * A block that computes the same but for some operations.
   *
   * @param change is shown each operation's copy in the new block, after its operands, and returns
   *     what takes its place: the copy itself, or what it computes from the copy and its operands
   */
  public Block rewritten(UnaryOperator<Tensor> change) {
    return Graph.block(
        name,
        g -> {
          Map<Tensor, Tensor> copies = new HashMap<>();
          for (Tensor node : nodes) {
            Tensor copy = change.apply(copy(g, node, copies));
            if (!copy.shape().equals(node.shape()) || copy.type() != node.type()) {
              throw new ShapeException("the change of " + node, node.shape().toString(), copy);
            }
            copies.put(node, copy);
          }
          return outputs.stream().map(copies::get).collect(Collectors.toList());
        });
  }

  private static Tensor copy(Graph g, Tensor node, Map<Tensor, Tensor> copies) {
    Attributes with = node.attributes();
    return switch (node.op()) {
      case INPUT -> g.input(with.get("name", String.class), node.shape(), node.type());
      case PARAM -> g.param(with.get("param", Param.class));
      case CONSTANT -> g.constant(with.get("values", float[].class), node.shape().extents());
      default -> {
        List<Tensor> operands = new ArrayList<>();
        node.operands().forEach(each -> operands.add(each == null ? null : copies.get(each)));
        yield g.node(node.op(), operands, with, node.shape(), node.type());
      }
    };
  }

  private ShapeException mismatch(int index, long[] actual) {
    Tensor input = inputs.get(index);
    return new ShapeException(
        "the input " + input.attributes().get("name", String.class) + " of the block " + name,
        input.shape().toString(),
        java.util.Arrays.toString(actual).replace(" ", ""));
  }

  @Override
  public String toString() {
    return "Block[" + name + ", " + nodes.size() + " operations]";
  }
}
