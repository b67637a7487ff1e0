package io.deem.text;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;

/** What tokenizers have to know about characters. */
final class UnicodeText {

  private static final char REPLACEMENT = '\ufffd';

  private UnicodeText() {}

  /** Half of a surrogate pair is no character and has no UTF-8 form: it becomes U+FFFD. */
  static String withoutLoneSurrogates(String text) {
    StringBuilder replaced = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        i++;
      } else {
        if (replaced == null) {
          replaced = new StringBuilder(text);
        }
        replaced.setCharAt(i, REPLACEMENT);
      }
    }
    return replaced == null ? text : replaced.toString();
  }

  /** Whether Python's {@code str.strip} removes the character. */
  static boolean isWhitespace(char c) {
    return switch (c) {
      case '\u0085', '\u00a0', '\u1680', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000' -> true;
      default ->
          (c >= '\t' && c <= '\r')
              || (c >= '\u001c' && c <= ' ')
              || (c >= '\u2000' && c <= '\u200a');
    };
  }

  /** The text without whitespace at its beginning. */
  static String stripLeft(String text) {
    int from = 0;
    while (from < text.length() && isWhitespace(text.charAt(from))) {
      from++;
    }
    return text.substring(from);
  }

  /** The text without whitespace at its end. */
  static String stripRight(String text) {
    int to = text.length();
    while (to > 0 && isWhitespace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(0, to);
  }

  /** The UTF-8 text, every byte that is part of no valid character as one U+FFFD. */
  static String decodeEachValidCharacter(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    int at = 0;
    while (at < bytes.length) {
      int length = Math.min(lengthByFirstByte(bytes[at]), bytes.length - at);
      String character = strictly(bytes, at, length);
      if (character == null) {
        text.append(REPLACEMENT);
        at++;
      } else {
        text.append(character);
        at += length;
      }
    }
    return text.toString();
  }

  /** The UTF-8 text, or, where anything in it is invalid, as many U+FFFD as there are bytes. */
  static String decodeAllOrNothing(byte[] bytes) {
    String text = strictly(bytes, 0, bytes.length);
    return text == null
        ? String.join("", Collections.nCopies(bytes.length, String.valueOf(REPLACEMENT)))
        : text;
  }

  private static int lengthByFirstByte(byte first) {
    int leadingOnes = Integer.numberOfLeadingZeros(~(first << 24));
    return Math.max(1, leadingOnes);
  }

  private static String strictly(byte[] bytes, int offset, int length) {
    try {
      ByteBuffer part = ByteBuffer.wrap(bytes, offset, length);
      return StandardCharsets.UTF_8.newDecoder().decode(part).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
