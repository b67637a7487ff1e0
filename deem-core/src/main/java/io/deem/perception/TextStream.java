package io.deem.perception;

import io.deem.TextListener;
import io.deem.portable.Whitespace;
import java.util.ArrayList;
import java.util.List;

/**
 * A text in the making: takes tokens, gives whole characters. What may still turn out to be
 * something else is held back; see {@link TextListener}.
 */
final class TextStream {

  private static final char INCOMPLETE = '\ufffd';

  private final TokenText tokens;
  private final List<String> stop;
  private final TextListener listener;
  private final List<Integer> ids = new ArrayList<>();

  private String given = "";

  TextStream(TokenText tokens, List<String> stop, TextListener listener) {
    this.tokens = tokens;
    this.stop = stop;
    this.listener = listener;
  }

  /**
   * Takes a token.
   *
   * @return whether the text now has one that it is to stop at
   */
  boolean add(int id) {
    ids.add(id);
    String text = Whitespace.stripLeading(tokens.decode(ids));
    int end = end(text);
    boolean stopped = end < text.length();
    // A run of bytes is characters only as a whole, so it is not given before it is over.
    if (stopped || !tokens.isOpen(id)) {
      give(stopped ? text.substring(0, end) : withoutTail(text));
    }
    return stopped;
  }

  /** Gives the rest and returns the whole text. */
  String finish() {
    String text = Whitespace.stripLeading(tokens.decode(ids));
    String whole = Whitespace.stripTrailing(text.substring(0, end(text)));
    give(whole);
    return whole;
  }

  /** Where the first text to stop at begins, or the text's end. */
  private int end(String text) {
    int end = text.length();
    for (String each : stop) {
      int found = text.indexOf(each);
      end = found >= 0 ? Math.min(end, found) : end;
    }
    return end;
  }

  /** The text without an incomplete character, and the beginning of a text to stop at. */
  private String withoutTail(String text) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == INCOMPLETE) {
      end--;
    }
    int held = 0;
    for (String each : stop) {
      for (int length = Math.min(each.length() - 1, end); length > held; length--) {
        if (each.startsWith(text.substring(end - length, end))) {
          held = length;
        }
      }
    }
    return text.substring(0, end - held);
  }

  private void give(String text) {
    String sure = Whitespace.stripTrailing(text);
    if (sure.length() > given.length() && sure.startsWith(given)) {
      String piece = sure.substring(given.length());
      given = sure;
      listener.onText(piece);
    }
  }
}
