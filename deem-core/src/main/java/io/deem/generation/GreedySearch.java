package io.deem.generation;

/** Always takes the token of the highest score, the first one of several equal ones. */
final class GreedySearch extends TokenByToken {

  GreedySearch(TokenModel model, GenerationConfig config, GenerationListener listener) {
    super(model, config, listener);
  }

  @Override
  int choose(int text, float[] scores) {
    int best = 0;
    for (int token = 1; token < scores.length; token++) {
      if (scores[token] > scores[best]) {
        best = token;
      }
    }
    return best;
  }
}
