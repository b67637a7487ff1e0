package io.deem.portable;

/** Bytes as text. */
public final class Hex {

  private static final String DIGITS = "0123456789abcdef";

  private Hex() {}

  /** Two lower-case hexadecimal digits a byte. */
  public static String of(byte[] bytes) {
    return of(bytes, bytes.length);
  }

  /** The first bytes alone. */
  public static String of(byte[] bytes, int count) {
    StringBuilder text = new StringBuilder(2 * count);
    for (int i = 0; i < count; i++) {
      text.append(DIGITS.charAt(bytes[i] >> 4 & 15)).append(DIGITS.charAt(bytes[i] & 15));
    }
    return text.toString();
  }
}
