package io.deem.perception;

import io.deem.model.DeemConfig;
import io.deem.model.InterleavedBatch;
import io.deem.model.Prompts;
import io.deem.text.Tokenizer;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Turns prompts with one image into token ids. What users write is text, never a special token. */
final class PromptEncoder {

  /** Tokens that a question, or an option, may have. */
  static final int LONGEST_TEXT = 1024;

  /** No token is longer; what has more characters need not be tokenized to be refused. */
  private static final int LONGEST_TOKEN = 16;

  private final Tokenizer tokenizer;
  private final InterleavedBatch.Special special;
  private final int originalVocabulary;

  PromptEncoder(Tokenizer tokenizer, DeemConfig config) {
    this.tokenizer = tokenizer;
    this.special = config.special();
    this.originalVocabulary = config.originalVocabulary();
  }

  /**
   * The ids of a prompt: the beginning, the text before the image, the image, the text after it.
   *
   * @param question takes the place of {@link Prompts#QUESTION}; empty for a prompt without
   */
  int[] prompt(String prompt, String question) {
    String before = Prompts.before(prompt);
    String after = Prompts.after(prompt);
    int[] first = before.isEmpty() ? new int[0] : encode(before);
    int[] image = new int[1 + special.tokensPerImage()];
    Arrays.fill(image, special.image());
    image[0] = special.imageStart();
    int[] last = encode(after.replace(Prompts.QUESTION, question));
    // The question alone was checked; this sees what it and the text around it become together.
    if (specials(last) != specials(encode(after.replace(Prompts.QUESTION, "")))) {
      throw new IllegalArgumentException("question must not contain special tokens");
    }
    return join(new int[] {special.beginning()}, first, image, last);
  }

  /**
   * The ids of a text that a user wrote.
   *
   * @param name of the argument, for errors
   * @throws IllegalArgumentException if it is blank or too long, or contains a special token
   */
  int[] text(String name, String text) {
    if (text == null || text.isBlank()) {
      throw new IllegalArgumentException(name + " must not be empty");
    }
    int[] ids = text.length() > LONGEST_TEXT * LONGEST_TOKEN ? new int[0] : encode(text);
    if (ids.length == 0 || ids.length > LONGEST_TEXT) {
      throw new IllegalArgumentException(
          name
              + " must have 1 to "
              + LONGEST_TEXT
              + " tokens, and has "
              + (ids.length == 0 ? text.length() + " characters" : Integer.toString(ids.length)));
    }
    for (int id : ids) {
      if (isSpecial(id)) {
        throw new IllegalArgumentException(
            name
                + " must not contain the special token "
                + tokenizer.decode(new long[] {id}, true));
      }
    }
    return ids;
  }

  static int[] join(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  private int[] encode(String text) {
    return Arrays.stream(tokenizer.encodeWithoutBegin(text)).mapToInt(Math::toIntExact).toArray();
  }

  private long specials(int[] ids) {
    return IntStream.of(ids).filter(this::isSpecial).count();
  }

  private boolean isSpecial(int id) {
    return id == special.beginning() || id == special.end() || id >= originalVocabulary;
  }
}
