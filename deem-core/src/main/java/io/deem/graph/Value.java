package io.deem.graph;

/**
 * A tensor with contents, held by an engine. It lives as long as the {@link Scope} or the {@link
 * Session} that it belongs to.
 */
public interface Value {

  /** The extents, outermost first. */
  long[] shape();

  /** The element type. */
  DataType type();

  /**
   * A copy of the elements in row-major order.
   *
   * @throws IllegalStateException if the value is not floating point or its scope is closed
   */
  float[] floats();

  /**
   * A copy of the elements in row-major order.
   *
   * @throws IllegalStateException if the value is not integral or its scope is closed
   */
  long[] longs();

  /** The only element, as a floating-point number. */
  default float scalar() {
    float[] values = floats();
    if (values.length != 1) {
      throw new IllegalStateException("not a scalar: " + values.length + " elements");
    }
    return values[0];
  }
}
