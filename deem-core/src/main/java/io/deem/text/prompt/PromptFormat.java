package io.deem.text.prompt;

import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch;
import io.deem.text.Tokenizer;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * How a model's prompts become token ids.
 *
 * @param tokenizer with DEEM's special tokens
 * @param tokensPerImage image tokens after each start of an image, at least 1
 * @param longest most tokens of a row; longer ones are cut at their right end
 */
public record PromptFormat(Tokenizer tokenizer, int tokensPerImage, int longest) {

  /** The length of a LLaMA's context, at which the reference cuts. */
  public static final int CONTEXT_LENGTH = 2048;

  /** Checks the numbers. */
  public PromptFormat {
    Objects.requireNonNull(tokenizer, "tokenizer");
    if (tokensPerImage < 1) {
      throw new IllegalArgumentException(
          "tokensPerImage must be at least 1, got " + tokensPerImage);
    }
    if (longest < 1) {
      throw new IllegalArgumentException("longest must be at least 1, got " + longest);
    }
  }

  /** The text of an image's tokens: its start and the tokens it is seen through. */
  public String image() {
    return SpecialTokens.START_OF_IMAGE
        + String.join("", Collections.nCopies(tokensPerImage, SpecialTokens.SNIFFER));
  }

  /** A text without the single spaces beside image tokens. */
  static String withoutSpacesAtImages(String text) {
    return text.replace(SpecialTokens.SNIFFER + " ", SpecialTokens.SNIFFER)
        .replace(" " + SpecialTokens.SNIFFER, SpecialTokens.SNIFFER)
        .replace(" " + SpecialTokens.START_OF_IMAGE, SpecialTokens.START_OF_IMAGE)
        .replace(SpecialTokens.START_OF_IMAGE + " ", SpecialTokens.START_OF_IMAGE);
  }

  TokenBatch encode(List<String> texts, TokenBatch.Side side) {
    return TokenBatch.encode(tokenizer, texts, longest, SpecialTokens.PADDING_ID, side);
  }

  /** The number of tokens of a text, the begin-of-sequence token included. */
  int length(String text) {
    return tokenizer.encode(text).length;
  }

  long begin() {
    return tokenizer.requireTokenId(SpecialTokens.BEGIN);
  }

  long end() {
    return tokenizer.requireTokenId(SpecialTokens.END);
  }

  long imageStart() {
    return tokenizer.requireTokenId(SpecialTokens.START_OF_IMAGE);
  }

  long imageToken() {
    return tokenizer.requireTokenId(SpecialTokens.SNIFFER);
  }
}
