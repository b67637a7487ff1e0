package io.deem.generation;

/** How many candidates beam search looks at in each step. */
public enum CandidateRule {
  /**
   * Two for each beam. With several end tokens all of them may be end tokens, so that a beam has no
   * way on, which is an error.
   */
  STOCK {
    @Override
    int candidates(int beams, int endTokens) {
      return 2 * beams;
    }
  },
  /** One for each beam and each end token besides, at least two: always enough. */
  DEEM {
    @Override
    int candidates(int beams, int endTokens) {
      return Math.max(2, 1 + endTokens) * beams;
    }
  };

  abstract int candidates(int beams, int endTokens);
}
