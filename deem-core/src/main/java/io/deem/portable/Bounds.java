package io.deem.portable;

/** Checks of long indices. */
public final class Bounds {

  private Bounds() {}

  /**
   * Checks that something of {@code length} parts has one of this index.
   *
   * @throws IndexOutOfBoundsException if not
   */
  public static void checkIndex(long index, long length) {
    if (index < 0 || index >= length) {
      throw new IndexOutOfBoundsException("index " + index + " is not below " + length);
    }
  }

  /**
   * Checks that something of {@code length} parts has so many from one of them on.
   *
   * @throws IndexOutOfBoundsException if not
   */
  public static void checkRange(long from, long count, long length) {
    if (from < 0 || count < 0 || count > length - from) {
      throw new IndexOutOfBoundsException(count + " from " + from + " on are not in " + length);
    }
  }
}
