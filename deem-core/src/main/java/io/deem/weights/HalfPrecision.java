package io.deem.weights;

/** Conversions between single precision and the two 16-bit formats, to nearest, ties to even. */
public final class HalfPrecision {
  private HalfPrecision() {}

  /** The single-precision value of bfloat16 bits; exact. */
  public static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** Rounds to bfloat16; not-a-number stays so, values beyond the range become infinite. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      // Rounding could carry a payload in the low bits out of the mantissa: force the quiet bit.
      return (short) (bits >>> 16 | 0x40);
    }
    int lowestKept = bits >>> 16 & 1;
    return (short) ((bits + 0x7fff + lowestKept) >>> 16);
  }

  /** The single-precision value of IEEE half bits; exact. */
  public static float fromFloat16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >>> 10 & 0x1f;
    int mantissa = bits & 0x3ff;
    if (exponent == 0) {
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    if (exponent == 31) {
      return Float.intBitsToFloat(sign | 0x7f800000 | mantissa << 13);
    }
    return Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }

  /**
   * Rounds to IEEE half; not-a-number stays so, values beyond 65504 + half a step become infinite.
   */
  public static short toFloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff));
    }
    if (magnitude >= 0x477ff000) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
      // Below the smallest normal half: adding 2^-1 lines the bits up with the subnormal grid of
      // 2^-24 and lets the processor round.
      float aligned = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | Float.floatToRawIntBits(aligned) - 0x3f000000);
    }
    int lowestKept = magnitude >>> 13 & 1;
    int rounded = magnitude - 0x38000000 + 0xfff + lowestKept;
    return (short) (sign | rounded >>> 13);
  }
}
