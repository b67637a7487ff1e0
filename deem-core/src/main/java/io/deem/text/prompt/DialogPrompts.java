package io.deem.text.prompt;

import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch;
import io.deem.text.TokenBatch.Side;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Dialogues about an image whose next answer is chosen among options, as Visual Dialog has them.
 */
public final class DialogPrompts {

  private final PromptFormat format;

  /** Prepares prompts of a model. */
  public DialogPrompts(PromptFormat format) {
    this.format = format;
  }

  /** A question and its answer. */
  public record Round(String question, String answer) {}

  /**
   * The ids of a dialogue up to a question. As in the reference, the round right before the
   * question is left out.
   *
   * @param caption what the image shows
   * @param rounds at least up to the question
   * @param number of the question's round, counted from 1
   */
  public long[] context(String caption, List<Round> rounds, int number) {
    if (number < 1 || number > rounds.size()) {
      throw new IllegalArgumentException(
          "round " + number + " of a dialogue with " + rounds.size() + " rounds");
    }
    StringBuilder text = new StringBuilder();
    text.append("You are a helpful assistant.\n\n  ## USER: ").append(format.image());
    text.append(" caption: ").append(caption).append(". ");
    for (Round round : rounds.subList(0, Math.max(0, number - 2))) {
      text.append("question: ").append(round.question);
      text.append("? answer: ").append(round.answer).append(". ");
    }
    text.append("question: ").append(rounds.get(number - 1).question);
    text.append("? \n ## ASSISTANT: the answer is");
    return format.tokenizer().encode(text.toString());
  }

  /** The ids of the options, each without begin-of-sequence token, padded on the right. */
  public TokenBatch options(List<String> options) {
    List<long[]> ids =
        options.stream().map(format.tokenizer()::encodeWithoutBegin).collect(Collectors.toList());
    return TokenBatch.of(ids, SpecialTokens.PADDING_ID, Side.RIGHT);
  }
}
