package io.deem.weights.pickle;

import io.deem.json.ErrorText;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** The operands of the text protocol, in the notation of Python's {@code repr}. */
final class PickledText {

  private PickledText() {}

  /** A whole number; {@code 00} and {@code 01} are truths, and long ones end in L. */
  static Object whole(String origin, String line) throws MalformedPickleException {
    if (line.equals("00") || line.equals("01")) {
      return line.equals("01");
    }
    String digits = line.endsWith("L") ? line.substring(0, line.length() - 1) : line;
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw malformed(origin, "a number", line);
    }
  }

  static int index(String origin, String line) throws MalformedPickleException {
    try {
      return Integer.parseInt(line);
    } catch (NumberFormatException e) {
      throw malformed(origin, "an index", line);
    }
  }

  static double number(String origin, String line) throws MalformedPickleException {
    try {
      return Double.parseDouble(line);
    } catch (NumberFormatException e) {
      throw malformed(origin, "a number", line);
    }
  }

  /** A text in single or double quotes. */
  static String quoted(String origin, String line) throws MalformedPickleException {
    int last = line.length() - 1;
    char quote = line.isEmpty() ? ' ' : line.charAt(0);
    if (last < 1 || (quote != '\'' && quote != '"') || line.charAt(last) != quote) {
      throw malformed(origin, "a text", line);
    }
    return unescaped(origin, line.substring(1, last), true);
  }

  /**
   * A text without its escapes.
   *
   * @param bytes whether it stands for bytes, with all of Python's escapes, rather than for
   *     characters, with {@code \\u} alone
   */
  static String unescaped(String origin, String text, boolean bytes)
      throws MalformedPickleException {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < text.length(); ) {
      char c = text.charAt(i);
      char kind = c == '\\' && i + 1 < text.length() ? text.charAt(i + 1) : 0;
      int digits =
          switch (kind) {
            case 'x' -> bytes ? 2 : 0;
            case 'u' -> bytes ? 0 : 4;
            case 'U' -> bytes ? 0 : 8;
            default -> 0;
          };
      if (digits > 0) {
        int code = code(origin, text, i + 2, digits);
        if (bytes) {
          out.write(code);
        } else {
          write(out, Character.toString(code));
        }
        i += 2 + digits;
      } else if (bytes && kind != 0) {
        write(out, plainEscape(kind));
        i += 2;
      } else {
        int end = text.offsetByCodePoints(i, 1);
        write(out, text.substring(i, end));
        i = end;
      }
    }
    return new String(out.toByteArray(), StandardCharsets.UTF_8);
  }

  private static String plainEscape(char kind) {
    return switch (kind) {
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'r' -> "\r";
      default -> String.valueOf(kind);
    };
  }

  private static int code(String origin, String text, int from, int digits)
      throws MalformedPickleException {
    try {
      int code = Integer.parseInt(text.substring(from, from + digits), 16);
      if (Character.isValidCodePoint(code)) {
        return code;
      }
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new MalformedPickleException(
          origin + ": has a damaged escape in " + ErrorText.quote(text), e);
    }
    throw malformed(origin, "a character", text);
  }

  private static void write(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write(bytes, 0, bytes.length);
  }

  private static MalformedPickleException malformed(String origin, String wanted, String line) {
    return new MalformedPickleException(
        origin + ": has " + ErrorText.quote(line) + " where " + wanted + " should be");
  }
}
