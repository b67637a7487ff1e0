package io.deem.model;

import java.util.Arrays;

/** Masks that are added to attention scores: 0 lets a query see a key, {@link #HIDDEN} does not. */
public final class AttentionMask {

  /** The least number: any score that it is added to vanishes beside it. */
  public static final float HIDDEN = -Float.MAX_VALUE;

  private AttentionMask() {}

  /**
   * The mask for the last {@code queries} of a row's tokens: each sees itself and those before it
   * that are no padding. A query that sees nothing, as padding on the left does, gives all keys the
   * same weight.
   *
   * @param real [batch][tokens]: whether a token is no padding
   * @param queries number of tokens that ask
   * @return [batch, 1, queries, tokens]
   */
  public static float[] causal(boolean[][] real, int queries) {
    int tokens = real[0].length;
    float[] mask = new float[Math.multiplyExact(real.length * queries, tokens)];
    Arrays.fill(mask, HIDDEN);
    int at = 0;
    for (boolean[] row : real) {
      for (int query = tokens - queries; query < tokens; query++) {
        for (int key = 0; key <= query; key++) {
          if (row[key]) {
            mask[at + key] = 0;
          }
        }
        at += tokens;
      }
    }
    return mask;
  }

  /**
   * {@link #causal(boolean[][], int)} for keys with room behind them, which no query sees.
   *
   * @param capacity keys, at least as many as tokens
   * @return [batch, 1, queries, capacity]
   */
  public static float[] causal(boolean[][] real, int queries, int capacity) {
    int tokens = real[0].length;
    float[] narrow = causal(real, queries);
    float[] mask = new float[Math.multiplyExact(real.length * queries, capacity)];
    Arrays.fill(mask, HIDDEN);
    for (int row = 0; row < real.length * queries; row++) {
      System.arraycopy(narrow, row * tokens, mask, row * capacity, tokens);
    }
    return mask;
  }

  /**
   * Positions that count the tokens of each row that are no padding.
   *
   * @param real [batch][tokens]: whether a token is no padding
   * @return [batch, tokens]: from 0 up; 1 for padding on the left, the last position for padding on
   *     the right
   */
  public static long[] positions(boolean[][] real) {
    int tokens = real[0].length;
    long[] positions = new long[real.length * tokens];
    for (int row = 0; row < real.length; row++) {
      long count = 0;
      for (int i = 0; i < tokens; i++) {
        count += real[row][i] ? 1 : 0;
        positions[row * tokens + i] = count == 0 ? 1 : count - 1;
      }
    }
    return positions;
  }
}
