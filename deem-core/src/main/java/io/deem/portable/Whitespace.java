package io.deem.portable;

/** Space around texts, as {@link Character#isWhitespace(int)} knows it. */
public final class Whitespace {

  private Whitespace() {}

  /** Whether there is nothing else. */
  public static boolean isBlank(String text) {
    return stripLeading(text).isEmpty();
  }

  /** The text without space on either side. */
  public static String strip(String text) {
    return stripTrailing(stripLeading(text));
  }

  /** The text without space before it. */
  public static String stripLeading(String text) {
    int from = 0;
    while (from < text.length() && Character.isWhitespace(text.codePointAt(from))) {
      from += Character.charCount(text.codePointAt(from));
    }
    return text.substring(from);
  }

  /** The text without space after it. */
  public static String stripTrailing(String text) {
    int to = text.length();
    while (to > 0 && Character.isWhitespace(text.codePointBefore(to))) {
      to -= Character.charCount(text.codePointBefore(to));
    }
    return text.substring(0, to);
  }
}
