package io.deem.graph;

import java.util.Objects;

/**
 * A weight that a network reads, by the name it has in checkpoints.
 *
 * @param name the state-dict name, for example {@code model.layers.0.mlp.up_proj.weight}
 * @param shape its known extents
 */
public record Param(String name, Shape shape) {

  public Param {
    Objects.requireNonNull(name);
    if (!shape.isConstant()) {
      throw new ShapeException("the parameter " + name, "known extents", shape);
    }
  }

  /** A parameter from its extents. */
  public static Param of(String name, long... extents) {
    return new Param(name, Shape.of(extents));
  }
}
