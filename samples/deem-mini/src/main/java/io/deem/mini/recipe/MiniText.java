package io.deem.mini.recipe;

import io.deem.mini.Question;
import io.deem.model.InterleavedBatch;
import io.deem.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Turns captions and questions into rows of token ids with a place for the image. */
final class MiniText {

  /** What stands before and after a caption or a question; as in the model folder. */
  static final String CAPTION_PROMPT = "A photo of";

  static final String ANSWER_PROMPT = " Answer:";

  /**
   * A row.
   *
   * @param ids the tokens
   * @param learnt whether each is a target
   */
  record Row(int[] ids, boolean[] learnt) {

    private static Row of(List<Part> parts) {
      int length = parts.stream().mapToInt(part -> part.ids.length).sum();
      int[] ids = new int[length];
      boolean[] learnt = new boolean[length];
      int at = 0;
      for (Part part : parts) {
        System.arraycopy(part.ids, 0, ids, at, part.ids.length);
        Arrays.fill(learnt, at, at + part.ids.length, part.learnt);
        at += part.ids.length;
      }
      return new Row(ids, learnt);
    }
  }

  private record Part(int[] ids, boolean learnt) {}

  private final Tokenizer tokenizer;
  private final InterleavedBatch.Special special;

  MiniText(Tokenizer tokenizer, InterleavedBatch.Special special) {
    this.tokenizer = tokenizer;
    this.special = special;
  }

  /** An image, then its caption, which is learnt. */
  Row caption(String caption) {
    return Row.of(List.of(begin(), image(), given(CAPTION_PROMPT), learnt(caption), end(true)));
  }

  /** A caption, then its image; no text is learnt. */
  Row drawing(String caption) {
    return Row.of(List.of(begin(), given(CAPTION_PROMPT), given(caption), image()));
  }

  /** An image, its caption, which is learnt, and another image of the same things. */
  Row redrawn(String caption) {
    return Row.of(List.of(begin(), image(), given(CAPTION_PROMPT), learnt(caption), image()));
  }

  /** An image, then questions with their answers, which are learnt. */
  Row questions(List<Question> questions) {
    List<Part> parts = new java.util.ArrayList<>(List.of(begin(), image()));
    for (Question question : questions) {
      parts.add(given(question.text() + ANSWER_PROMPT));
      parts.add(learnt(question.answer()));
      parts.add(end(true));
    }
    return Row.of(parts);
  }

  /** A batch of rows and what is learnt of it. */
  InterleavedBatch batch(List<Row> rows) {
    return new InterleavedBatch(
        special, rows.stream().map(Row::ids).toList(), InterleavedBatch.Padding.RIGHT);
  }

  private Part begin() {
    return new Part(new int[] {special.beginning()}, false);
  }

  private Part end(boolean learnt) {
    return new Part(new int[] {special.end()}, learnt);
  }

  private Part image() {
    int[] ids = new int[1 + special.tokensPerImage()];
    Arrays.fill(ids, special.image());
    ids[0] = special.imageStart();
    return new Part(ids, false);
  }

  private Part given(String text) {
    return new Part(ids(text), false);
  }

  private Part learnt(String text) {
    return new Part(ids(text), true);
  }

  /** The tokens of a text, without a beginning. */
  int[] ids(String text) {
    long[] ids = tokenizer.encodeWithoutBegin(text);
    return IntStream.range(0, ids.length).map(i -> (int) ids[i]).toArray();
  }
}
