package io.deem.generation;

/**
 * A language model that has been given its prompts and now answers, token by token.
 *
 * <p>Rows are independent texts. {@link #prefill()} is called once and returns one row for each
 * prompt; afterwards each call of {@link #step} names, for every row it wants, the row of the call
 * before from which it goes on. The number of rows may grow (a prompt is spread over beams) and
 * shrink (a text is finished); whatever belongs to a row, cached keys and values above all, follows
 * from parent to child. An implementation with a cache has to do nothing but select rows, and
 * nothing at all when {@code parentRows} counts 0, 1, 2 up to the number of rows.
 */
public interface TokenModel {

  /**
   * Reads the prompts.
   *
   * @return for each prompt the scores of the next token, before any normalisation;
   *     [prompts][vocabulary]. The arrays belong to the caller.
   */
  float[][] prefill();

  /**
   * Appends one token to each row.
   *
   * @param parentRows for each new row, its index among the rows of the call before
   * @param tokens the tokens to append, one for each new row
   * @return for each new row the scores of the next token; [rows][vocabulary]. The arrays belong to
   *     the caller.
   */
  float[][] step(int[] parentRows, int[] tokens);
}
