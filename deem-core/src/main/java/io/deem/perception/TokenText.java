package io.deem.perception;

import io.deem.text.Tokenizer;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;

/** Tokens as text. */
final class TokenText {

  private static final int BYTES = 256;

  private final Tokenizer tokenizer;

  /** The tokens that are one byte of a character that the vocabulary lacks. */
  private final BitSet bytes = new BitSet();

  TokenText(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    for (int value = 0; value < BYTES; value++) {
      String piece = String.format(Locale.ROOT, "<0x%02X>", value);
      tokenizer.tokenId(piece).ifPresent(bytes::set);
    }
  }

  /**
   * Whether what a text is may still change with the token after this one: it is a byte, or nothing
   * at all, so that the bytes on both sides of it belong together.
   */
  boolean isOpen(int id) {
    return bytes.get(id) || tokenizer.decode(id).isEmpty();
  }

  /** The text of tokens, special ones left out. */
  String decode(List<Integer> ids) {
    return tokenizer.decode(ids.stream().mapToLong(Integer::longValue).toArray());
  }
}
