package io.deem.training.data;

import io.deem.model.Prompts;
import io.deem.text.TokenBatch;
import io.deem.text.Tokenizer;
import io.deem.text.prompt.MaskedImage;
import io.deem.text.prompt.PromptBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Rows in the words of a model's {@code deem.json}, token by token what a {@link io.deem.Perceiver}
 * of this model sees: text before the picture, the picture, text after it and the answer are
 * encoded each for itself.
 */
final class PromptText {

  private final BatchFormat format;
  private final Tokenizer tokenizer;
  private final List<long[]> rows = new ArrayList<>();
  private final List<Integer> promptLengths = new ArrayList<>();
  private final List<MaskedImage<SeenImage>> images = new ArrayList<>();

  PromptText(BatchFormat format) {
    this.format = format;
    this.tokenizer = format.prompts().tokenizer();
  }

  /** Adds a question with its answer, which is learnt. */
  void addAnswer(SeenImage image, String question, String answer) {
    add(image, format.wording().question(), question, answer);
  }

  /** Adds a picture with its caption, which is learnt. */
  void addCaption(SeenImage image, String caption) {
    add(image, format.wording().caption(), "", caption);
  }

  /**
   * Adds a caption and then its picture, which is learnt.
   *
   * @param caption empty for a picture without description
   */
  void addDrawing(SeenImage image, String caption) {
    String words = Prompts.after(format.wording().caption());
    addRow(image, 0, begin(), encode(words), encode(caption), picture(), new long[0]);
  }

  /** Adds a picture alone, of which no text is learnt. */
  void addPicture(SeenImage image) {
    addRow(image, 0, begin(), picture());
  }

  PromptBatch<SeenImage> batch(PromptBatch.Objective objective) {
    TokenBatch text = TokenBatch.of(rows, format.special().padding(), TokenBatch.Side.RIGHT);
    int[] imagesPerRow = new int[rows.size()];
    Arrays.fill(imagesPerRow, 1);
    int[] prompts = promptLengths.stream().mapToInt(Integer::intValue).toArray();
    return new PromptBatch<>(
        text, text.mask(), images, imagesPerRow, prompts, new long[0], objective);
  }

  private void add(SeenImage image, String prompt, String question, String answer) {
    long[] before = join(begin(), encode(Prompts.before(prompt)));
    long[] after = encode(Prompts.after(prompt).replace(Prompts.QUESTION, question));
    int length = before.length + picture().length + after.length;
    addRow(image, length, before, picture(), after, encode(answer), end());
  }

  private void addRow(SeenImage image, int promptLength, long[]... parts) {
    long[] row = join(parts);
    int longest = format.prompts().longest();
    rows.add(row.length <= longest ? row : Arrays.copyOf(row, longest));
    promptLengths.add(promptLength);
    images.add(new MaskedImage<>(image, Optional.empty()));
  }

  private long[] encode(String text) {
    return text.isEmpty() ? new long[0] : tokenizer.encodeWithoutBegin(text);
  }

  private long[] begin() {
    return new long[] {format.special().beginning()};
  }

  private long[] end() {
    return new long[] {format.special().end()};
  }

  private long[] picture() {
    long[] ids = new long[1 + format.special().tokensPerImage()];
    Arrays.fill(ids, format.special().image());
    ids[0] = format.special().imageStart();
    return ids;
  }

  private static long[] join(long[]... parts) {
    return Arrays.stream(parts).flatMapToLong(LongStream::of).toArray();
  }
}
