package io.deem.training.data;

import io.deem.json.ErrorText;
import io.deem.text.SpecialTokens;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Texts of data sets, which must stay texts: a special token in one would be obeyed. */
final class Texts {

  private static final List<String> SPECIAL = special();

  private Texts() {}

  /**
   * The text, without whitespace around it.
   *
   * @throws IOException if it is empty or contains a special token
   */
  static String plain(String what, String text) throws IOException {
    String stripped = text.strip();
    if (stripped.isEmpty()) {
      throw new IOException(what + " is empty");
    }
    for (String token : SPECIAL) {
      if (stripped.contains(token)) {
        throw new IOException(what + " contains the special token " + ErrorText.quote(token));
      }
    }
    return stripped;
  }

  private static List<String> special() {
    List<String> tokens = new ArrayList<>(SpecialTokens.IMAGE);
    tokens.addAll(SpecialTokens.GROUNDING);
    tokens.addAll(List.of(SpecialTokens.BEGIN, SpecialTokens.END, SpecialTokens.UNKNOWN));
    return List.copyOf(tokens);
  }
}
