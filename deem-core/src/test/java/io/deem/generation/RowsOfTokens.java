package io.deem.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A language model without a cache: keeps every row's tokens and computes the next scores from all
 * of them. Checks that searches keep to the contract of {@link TokenModel}.
 */
abstract class RowsOfTokens implements TokenModel {

  /** How many rows each call had, the prompts' first. */
  final List<Integer> rowCounts = new ArrayList<>();

  private int[][] rows;

  RowsOfTokens(int[]... prompts) {
    rows = prompts;
  }

  /** Scores of the token after these. */
  abstract float[] next(int[] tokens);

  @Override
  public final float[][] prefill() {
    assertTrue(rowCounts.isEmpty(), "prefill comes first, and once");
    return scores();
  }

  @Override
  public final float[][] step(int[] parentRows, int[] tokens) {
    assertEquals(parentRows.length, tokens.length);
    assertTrue(tokens.length > 0);
    int[][] children = new int[tokens.length][];
    for (int row = 0; row < tokens.length; row++) {
      int[] parent = rows[parentRows[row]];
      children[row] = Arrays.copyOf(parent, parent.length + 1);
      children[row][parent.length] = tokens[row];
    }
    rows = children;
    return scores();
  }

  private float[][] scores() {
    rowCounts.add(rows.length);
    float[][] scores = new float[rows.length][];
    for (int row = 0; row < rows.length; row++) {
      scores[row] = next(rows[row]);
    }
    return scores;
  }
}
