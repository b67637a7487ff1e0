package io.deem.weights;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts text from untrusted files into error messages without breaking their one line. */
final class Messages {
  private static final int LONGEST = 120;
  private static final Pattern JSON_PLACE = Pattern.compile("line \\d+ column \\d+");

  private Messages() {}

  /** The text in double quotes, control characters escaped, cut when it is very long. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    int shown = Math.min(text.length(), LONGEST);
    for (int i = 0; i < shown; i++) {
      char c = text.charAt(i);
      if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append(shown < text.length() ? "...\"" : "\"").toString();
  }

  /** Where a JSON parser stopped, as " at line L column C", or nothing when it does not say. */
  static String jsonPlace(Exception failure) {
    Matcher place = JSON_PLACE.matcher(String.valueOf(failure.getMessage()));
    return place.find() ? " at " + place.group() : "";
  }
}
