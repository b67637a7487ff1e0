package io.deem.weights;

import java.util.Arrays;
import java.util.Objects;

/**
 * Where one tensor lies and what it is.
 *
 * @param name the tensor's name, as in the checkpoint
 * @param type the element type
 * @param shape the dimensions, outermost first; empty for a scalar
 * @param offset position of the first byte, counted from the start of the file
 * @param length size in bytes
 */
public record TensorInfo(String name, ElementType type, long[] shape, long offset, long length) {
  /** Copies the shape, so that the record stays immutable. */
  public TensorInfo {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    shape = shape.clone();
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements; 1 for a scalar. */
  public long elements() {
    return length / type.bytes();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo that
        && name.equals(that.name)
        && type == that.type
        && Arrays.equals(shape, that.shape)
        && offset == that.offset
        && length == that.length;
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, type, Arrays.hashCode(shape), offset, length);
  }

  /** For messages: {@code name F32[2, 3]}. */
  @Override
  public String toString() {
    return name + " " + type + Arrays.toString(shape);
  }
}
