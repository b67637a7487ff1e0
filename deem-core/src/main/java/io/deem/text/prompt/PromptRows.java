package io.deem.text.prompt;

import io.deem.text.TokenBatch;
import io.deem.text.prompt.PromptBatch.Objective;
import java.util.ArrayList;
import java.util.List;

/** Collects the rows of a batch. */
final class PromptRows<I> {

  private final PromptFormat format;
  private final List<String> texts = new ArrayList<>();
  private final List<MaskedImage<I>> images = new ArrayList<>();
  private final List<Integer> imagesPerRow = new ArrayList<>();
  private final List<Integer> promptLengths = new ArrayList<>();

  PromptRows(PromptFormat format) {
    this.format = format;
  }

  /** Adds a row of which nothing is learnt. */
  void add(String text, List<MaskedImage<I>> ofRow) {
    texts.add(text);
    images.addAll(ofRow);
    imagesPerRow.add(ofRow.size());
  }

  /** Adds a row that is learnt from some place on. */
  void add(String text, int promptLength, List<MaskedImage<I>> ofRow) {
    add(text, ofRow);
    promptLengths.add(promptLength);
  }

  /** Adds a row of which the answer is learnt. */
  void addAnswered(String prompt, String answer, List<MaskedImage<I>> ofRow) {
    add(prompt + answer, format.length(prompt), ofRow);
  }

  PromptBatch<I> batch(TokenBatch.Side side, Objective objective) {
    TokenBatch text = format.encode(texts, side);
    return new PromptBatch<>(
        text, text.mask(), images, ints(imagesPerRow), ints(promptLengths), new long[0], objective);
  }

  static int[] ints(List<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).toArray();
  }
}
