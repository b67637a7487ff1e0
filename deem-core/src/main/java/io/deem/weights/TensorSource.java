package io.deem.weights;

import io.deem.json.ErrorText;
import io.deem.portable.Bounds;
import io.deem.portable.Buffers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * Named tensors that can be read: one safetensors file, or a model's set of shards. Reading is safe
 * from many threads. After {@link #close()} every read throws {@link IllegalStateException};
 * buffers and arrays handed out before stay valid.
 */
public interface TensorSource extends AutoCloseable {
  /** The names of all tensors, in the order in which they are stored. */
  Set<String> names();

  /**
   * Describes one tensor.
   *
   * @throws TensorMismatchException if there is no tensor of that name
   */
  TensorInfo info(String name);

  /**
   * The stored bytes of a tensor, little endian, read only and direct: a window on the mapped file,
   * without a copy.
   *
   * @throws TensorMismatchException if there is no tensor of that name, or it is larger than 2 GiB
   */
  ByteBuffer bytes(String name);

  /**
   * The stored bytes of a tensor from one of them on, like {@link #bytes(String)}: all that are
   * left, or as many as one buffer reaches, always whole elements. Tensors of any size can be read
   * in such pieces.
   *
   * @param from where to start, in bytes; a multiple of the element size
   * @throws TensorMismatchException if there is no tensor of that name
   * @throws IndexOutOfBoundsException if the tensor has no such byte
   */
  default ByteBuffer bytes(String name, long from) {
    ByteBuffer all = bytes(name);
    Bounds.checkIndex(from, all.remaining());
    int start = (int) from;
    return Buffers.slice(all, start, all.remaining() - start).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads a part of a tensor of floating-point numbers, converted to single precision.
   *
   * @param from the first element, counted in row-major order
   * @param to takes the elements, from its start on
   * @param count how many elements to read
   * @throws TensorMismatchException if there is no tensor of that name, or its elements are
   *     integers
   * @throws IndexOutOfBoundsException if the tensor or the array has fewer elements
   */
  default void floats(String name, long from, float[] to, int count) {
    TensorInfo info = info(name);
    if (!info.type().isFloating()) {
      throw new TensorMismatchException(
          origin(name)
              + ": tensor "
              + ErrorText.quote(name)
              + " ("
              + info.type()
              + ") does not hold floating-point numbers");
    }
    Bounds.checkRange(from, count, info.elements());
    Bounds.checkRange(0, count, to.length);
    int done = 0;
    while (done < count) {
      ByteBuffer piece = bytes(name, (from + done) * info.type().bytes());
      long wanted = (long) (count - done) * info.type().bytes();
      Buffers.limit(piece, (int) Math.min(piece.limit(), piece.position() + wanted));
      done += Elements.floats(piece, info.type(), to, done);
    }
  }

  /**
   * A tensor of floating-point numbers (F64, F32, F16 or BF16), converted to single precision, in
   * row-major order.
   *
   * @throws TensorMismatchException if there is no tensor of that name, its elements are integers,
   *     or there are more of them than a Java array holds
   */
  float[] floats(String name);

  /**
   * A tensor of integers (I64, I32, I16, I8, U8 or BOOL), in row-major order.
   *
   * @throws TensorMismatchException if there is no tensor of that name, its elements are
   *     floating-point numbers, or there are more of them than a Java array holds
   */
  long[] longs(String name);

  /** The file or folder read from, for messages. */
  String origin();

  /** The file that holds the given tensor, for messages. */
  default String origin(String name) {
    return origin();
  }

  /**
   * The file that holds a tensor's elements, for an engine that maps it itself: row-major, little
   * endian and without gaps, at the offset, of the length and of the type that {@link #info} gives.
   *
   * @return empty if the tensor does not lie in a file in this way
   * @throws TensorMismatchException if there is no tensor of that name
   * @throws IllegalStateException if the file has been replaced since it was opened
   */
  default Optional<Path> file(String name) {
    info(name);
    return Optional.empty();
  }

  /** Whether there is a tensor of that name. */
  default boolean contains(String name) {
    return names().contains(name);
  }

  /**
   * Describes a tensor that must have the given shape.
   *
   * @throws TensorMismatchException if there is no tensor of that name or its shape is another
   */
  default TensorInfo require(String name, long... shape) {
    TensorInfo info = info(name);
    if (!Arrays.equals(info.shape(), shape)) {
      throw new TensorMismatchException(
          origin(name)
              + ": tensor "
              + ErrorText.quote(name)
              + " has shape "
              + Arrays.toString(info.shape())
              + ", expected "
              + Arrays.toString(shape));
    }
    return info;
  }

  /**
   * Reads a floating-point tensor that must have the given shape.
   *
   * @throws TensorMismatchException as {@link #require} and {@link #floats(String)}
   */
  default float[] floats(String name, long... shape) {
    require(name, shape);
    return floats(name);
  }

  @Override
  void close();
}
