package io.deem.generation;

/** What is done to the scores of the next token before one is chosen. */
final class TokenScores {

  private final GenerationConfig config;

  TokenScores(GenerationConfig config) {
    this.config = config;
  }

  /**
   * Weakens tokens that are there already, then forbids the end tokens of a text that is too short;
   * in place.
   *
   * @param scores logits or log-probabilities, one for each token of the vocabulary
   * @param sequence holds the text so far
   * @param length how many tokens it has
   */
  void process(float[] scores, int[] sequence, int length) {
    float penalty = config.repetitionPenalty();
    if (penalty != 1) {
      // From the scores before the penalty, so that a token that occurs twice is weakened once.
      float[] weakened = new float[length];
      for (int i = 0; i < length; i++) {
        float score = scores[sequence[i]];
        weakened[i] = score < 0 ? score * penalty : score / penalty;
      }
      for (int i = 0; i < length; i++) {
        scores[sequence[i]] = weakened[i];
      }
    }
    if (length < config.minLength()) {
      for (int id : config.eosIds()) {
        scores[id] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /**
   * Checks that a model returned what it was asked for.
   *
   * @return the rows
   */
  static float[][] checked(float[][] rows, int expected) {
    if (rows.length != expected) {
      throw new IllegalStateException(
          "the model returned " + rows.length + " rows of scores for " + expected);
    }
    return rows;
  }

  /** The logarithm of the softmax's denominator, summed in double precision. */
  static double logSumExp(float[] logits) {
    float max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      if (Float.isNaN(logit)) {
        throw new IllegalStateException("the model's scores contain NaN");
      }
      max = Math.max(max, logit);
    }
    if (Float.isInfinite(max)) {
      throw new IllegalStateException("the model's best score is " + max);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - max);
    }
    return max + Math.log(sum);
  }

  /** Natural logarithms of the tokens' probabilities. */
  static float[] logSoftmax(float[] logits) {
    double denominator = logSumExp(logits);
    float[] result = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      result[i] = (float) (logits[i] - denominator);
    }
    return result;
  }
}
