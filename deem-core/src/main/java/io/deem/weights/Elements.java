package io.deem.weights;

import java.nio.ByteBuffer;

/** Moves elements between Java arrays and little-endian buffers of any element type. */
final class Elements {
  private Elements() {}

  /**
   * Converts all of the buffer's elements into {@code to} from {@code at} on; how many there were.
   */
  static int floats(ByteBuffer bytes, ElementType type, float[] to, int at) {
    int count = bytes.remaining() / type.bytes();
    int start = bytes.position();
    switch (type) {
      case F32 -> bytes.asFloatBuffer().get(to, at, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = HalfPrecision.fromBfloat16(bytes.getShort(start + 2 * i));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = HalfPrecision.fromFloat16(bytes.getShort(start + 2 * i));
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          to[at + i] = (float) bytes.getDouble(start + 8 * i);
        }
      }
      default -> throw new IllegalArgumentException(type + " elements are not floating-point");
    }
    return count;
  }

  /**
   * Converts all of the buffer's elements into {@code to} from {@code at} on; how many there were.
   */
  static int longs(ByteBuffer bytes, ElementType type, long[] to, int at) {
    int count = bytes.remaining() / type.bytes();
    int start = bytes.position();
    for (int i = 0; i < count; i++) {
      to[at + i] =
          switch (type) {
            case I64 -> bytes.getLong(start + 8 * i);
            case I32 -> bytes.getInt(start + 4 * i);
            case I16 -> bytes.getShort(start + 2 * i);
            case I8 -> bytes.get(start + i);
            case U8, BOOL -> bytes.get(start + i) & 0xff;
            default -> throw new IllegalArgumentException(type + " elements are not integers");
          };
    }
    return count;
  }

  /** Appends one number, rounded to nearest where the type is narrower. */
  static void put(ByteBuffer bytes, ElementType type, float value) {
    switch (type) {
      case F32 -> bytes.putFloat(value);
      case BF16 -> bytes.putShort(HalfPrecision.toBfloat16(value));
      case F16 -> bytes.putShort(HalfPrecision.toFloat16(value));
      case F64 -> bytes.putDouble(value);
      default -> throw new IllegalArgumentException(type + " elements are not floating-point");
    }
  }

  /** Appends one integer; whether it fits the type. */
  static boolean put(ByteBuffer bytes, ElementType type, long value) {
    boolean fits;
    switch (type) {
      case I64 -> {
        fits = true;
        bytes.putLong(value);
      }
      case I32 -> {
        fits = value == (int) value;
        bytes.putInt((int) value);
      }
      case I16 -> {
        fits = value == (short) value;
        bytes.putShort((short) value);
      }
      case I8 -> {
        fits = value == (byte) value;
        bytes.put((byte) value);
      }
      case U8 -> {
        fits = value == (value & 0xff);
        bytes.put((byte) value);
      }
      case BOOL -> {
        fits = value == (value & 1);
        bytes.put((byte) value);
      }
      default -> throw new IllegalArgumentException(type + " elements are not integers");
    }
    return fits;
  }
}
