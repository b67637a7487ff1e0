package io.deem.portable;

import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * Methods that Java 9 gave {@link ByteBuffer} a result of its own, which Android's does not have.
 * Each returns the buffer that it was given.
 */
public final class Buffers {

  private Buffers() {}

  /** {@link Buffer#flip()}. */
  public static ByteBuffer flip(ByteBuffer bytes) {
    Buffer buffer = bytes;
    buffer.flip();
    return bytes;
  }

  /** {@link Buffer#clear()}. */
  public static ByteBuffer clear(ByteBuffer bytes) {
    Buffer buffer = bytes;
    buffer.clear();
    return bytes;
  }

  /** {@link Buffer#limit(int)}. */
  public static ByteBuffer limit(ByteBuffer bytes, int limit) {
    Buffer buffer = bytes;
    buffer.limit(limit);
    return bytes;
  }

  /** {@link Buffer#position(int)}. */
  public static ByteBuffer position(ByteBuffer bytes, int position) {
    Buffer buffer = bytes;
    buffer.position(position);
    return bytes;
  }

  /**
   * A view of some bytes, in big-endian order.
   *
   * @param from the first, counted from the buffer's start
   * @throws IllegalArgumentException if the buffer does not have them
   */
  public static ByteBuffer slice(ByteBuffer bytes, int from, int length) {
    if (from < 0 || length < 0 || length > bytes.limit() - from) {
      throw new IllegalArgumentException(
          length + " bytes from " + from + " on are not in " + bytes.limit());
    }
    ByteBuffer view = bytes.duplicate();
    limit(view, from + length);
    return position(view, from).slice();
  }
}
