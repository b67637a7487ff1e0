package io.deem.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The extents of a tensor, outermost first. Immutable. */
public record Shape(List<Dim> dims) {

  public Shape {
    dims = List.copyOf(dims);
  }

  /**
   * A shape from its extents.
   *
   * @param extents each a {@link Dim} or an integer
   */
  public static Shape of(Object... extents) {
    return new Shape(Arrays.stream(extents).map(Dim::from).collect(Collectors.toList()));
  }

  /** A shape of known extents. */
  public static Shape of(long[] extents) {
    return new Shape(Arrays.stream(extents).mapToObj(Dim::of).collect(Collectors.toList()));
  }

  /** The number of axes. */
  public int rank() {
    return dims.size();
  }

  /**
   * The extent of an axis.
   *
   * @param axis counted from 0, or from the end if negative
   */
  public Dim dim(int axis) {
    return dims.get(axis(axis));
  }

  /** An axis as a number from 0; negative ones count from the end. */
  public int axis(int axis) {
    int positive = axis < 0 ? axis + rank() : axis;
    if (positive < 0 || positive >= rank()) {
      throw new IllegalArgumentException("no axis " + axis + " in the shape " + this);
    }
    return positive;
  }

  /** The number of elements. */
  public Dim size() {
    Dim product = Dim.of(1);
    for (Dim dim : dims) {
      product = product.times(dim);
    }
    return product;
  }

  /** This shape with one extent replaced. */
  public Shape with(int axis, Dim extent) {
    List<Dim> changed = new ArrayList<>(dims);
    changed.set(axis(axis), extent);
    return new Shape(changed);
  }

  /** This shape without one axis. */
  public Shape without(int axis) {
    List<Dim> changed = new ArrayList<>(dims);
    changed.remove(axis(axis));
    return new Shape(changed);
  }

  /** Whether every extent is known before the block runs. */
  public boolean isConstant() {
    return dims.stream().allMatch(Dim::isConstant);
  }

  /**
   * The extents as numbers.
   *
   * @throws IllegalStateException if one is symbolic
   */
  public long[] extents() {
    return dims.stream().mapToLong(Dim::value).toArray();
  }

  /**
   * The shape that two operands have when extents of 1 are stretched.
   *
   * @throws ShapeException if they do not fit each other
   */
  static Shape broadcast(String operation, Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      Dim x = i < rank - a.rank() ? Dim.of(1) : a.dims.get(i - rank + a.rank());
      Dim y = i < rank - b.rank() ? Dim.of(1) : b.dims.get(i - rank + b.rank());
      if (!x.equals(y) && !x.is(1) && !y.is(1)) {
        throw new ShapeException(operation, "operands that broadcast", a + " and " + b);
      }
      dims.add(x.is(1) ? y : x);
    }
    return new Shape(dims);
  }

  @Override
  public String toString() {
    return dims.toString().replace(" ", "");
  }
}
