package io.deem.onnx;

import static io.deem.onnx.OnnxGraph.with;

import io.deem.graph.Dim;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Extents that are known only when the block runs, computed in the graph from the shapes of its
 * inputs.
 */
final class OnnxDims {

  /** The input and the axis where a symbol's value is read. */
  private record Place(String input, int axis) {}

  private final OnnxGraph graph;
  private final Map<String, Place> places = new HashMap<>();
  private final Map<Dim, String> vectors = new HashMap<>();

  OnnxDims(OnnxGraph graph) {
    this.graph = graph;
  }

  /** Lets the symbols among an input's extents be read from it. */
  void bind(String input, Shape shape) {
    for (int axis = 0; axis < shape.rank(); axis++) {
      String symbol = shape.dim(axis).symbolName();
      if (symbol != null) {
        places.putIfAbsent(symbol, new Place(input, axis));
      }
    }
  }

  /** An extent as a vector of one integer. */
  String vector(Dim dim) {
    if (dim.isConstant()) {
      return graph.longs(dim.value());
    }
    // Not computeIfAbsent: an expression asks for its symbols.
    String known = vectors.get(dim);
    if (known == null) {
      known = dim.symbolName() == null ? polynomial(dim) : symbol(dim.symbolName());
      vectors.put(dim, known);
    }
    return known;
  }

  private String symbol(String name) {
    Place place = places.get(name);
    if (place == null) {
      throw new IllegalArgumentException("no input has the extent " + name + " by itself");
    }
    return graph.node(
        "Shape", List.of(place.input), with("start", place.axis), with("end", place.axis + 1L));
  }

  private String polynomial(Dim dim) {
    return dim.terms().entrySet().stream()
        .map(
            term -> {
              String product = term.getValue() == 1 ? null : graph.longs(term.getValue());
              for (String symbol : term.getKey()) {
                String factor = vector(Dim.symbol(symbol));
                product = product == null ? factor : graph.node("Mul", List.of(product, factor));
              }
              return product == null ? graph.longs(1) : product;
            })
        .reduce((a, b) -> graph.node("Add", List.of(a, b)))
        .orElseThrow();
  }

  /** Extents as a vector of integers. */
  String vector(List<Dim> dims) {
    if (dims.stream().allMatch(Dim::isConstant)) {
      return graph.longs(dims.stream().mapToLong(Dim::value).toArray());
    }
    return graph.node("Concat", dims.stream().map(this::vector).toList(), with("axis", 0));
  }

  /**
   * A value with the same elements under another shape. Most shapes need no arithmetic when the
   * block runs: ONNX copies an extent for 0 and computes one of them for -1.
   */
  String reshape(String value, Shape from, Shape to) {
    boolean empty = to.dims().stream().anyMatch(dim -> dim.is(0));
    long[] extents = new long[to.rank()];
    int unknown = 0;
    for (int axis = 0; axis < extents.length; axis++) {
      Dim dim = to.dim(axis);
      if (dim.isConstant()) {
        extents[axis] = dim.value();
      } else if (axis < from.rank() && from.dim(axis).equals(dim)) {
        extents[axis] = 0;
      } else {
        extents[axis] = -1;
        unknown++;
      }
    }
    if (unknown <= 1 && !empty) {
      return graph.node("Reshape", List.of(value, graph.longs(extents)));
    }
    return graph.node("Reshape", List.of(value, vector(to.dims())), with("allowzero", 1));
  }

  /** A value stretched to another shape. */
  String expand(String value, Shape from, Shape to) {
    int added = to.rank() - from.rank();
    // An extent that stays may be given as 1.
    List<Dim> dims =
        IntStream.range(0, to.rank())
            .mapToObj(
                axis ->
                    axis >= added && from.dim(axis - added).equals(to.dim(axis))
                        ? Dim.of(1)
                        : to.dim(axis))
            .toList();
    return graph.node("Expand", List.of(value, vector(dims)));
  }

  /** The elements of a tensor's axis from {@code start} to before {@code end}. */
  String slice(String value, Tensor of) {
    return graph.node(
        "Slice",
        List.of(
            value,
            vector(of.attributes().dim("start")),
            vector(of.attributes().dim("end")),
            graph.longs(of.attributes().integer("axis"))));
  }
}
