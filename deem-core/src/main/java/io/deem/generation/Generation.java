package io.deem.generation;

import java.util.Arrays;

/**
 * What was generated.
 *
 * @param sequences for each prompt its texts, best first: the prompt's tokens, the new ones, an end
 *     token where the text ended by one, then padding; [prompts * returned][width]
 * @param textLengths for each text, how many tokens it has with its prompt and without the end
 *     token
 * @param scores one for each text. Beam search: the sum of the processed log-probabilities of its
 *     tokens divided by length to the power of the length penalty. Otherwise: the sum of the
 *     model's own log-probabilities of the new tokens, end token included, so that exp(score) is
 *     the text's probability.
 * @param promptLength how many tokens of each row are the prompt's
 */
public record Generation(int[][] sequences, int[] textLengths, double[] scores, int promptLength) {

  /**
   * Gives the new tokens of one text.
   *
   * @param text index of the text
   * @return the tokens after the prompt, without end token and padding
   */
  public int[] newTokens(int text) {
    return Arrays.copyOfRange(sequences[text], promptLength, textLengths[text]);
  }
}
