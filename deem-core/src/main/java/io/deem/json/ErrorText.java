package io.deem.json;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts what was found in untrusted files into error messages without breaking their one line. */
public final class ErrorText {
  private static final int LONGEST = 120;
  private static final Pattern PLACE = Pattern.compile("line \\d+ column \\d+");

  private ErrorText() {}

  /** The text in double quotes, control characters escaped, cut when it is very long. */
  public static String quote(String text) {
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

  /** Where Gson stopped, as " at line L column C", or nothing when its error does not say. */
  public static String place(Exception failure) {
    Matcher place = PLACE.matcher(String.valueOf(failure.getMessage()));
    return place.find() ? " at " + place.group() : "";
  }
}
