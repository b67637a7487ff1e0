package io.deem.generation;

import io.deem.random.RandomSource;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * Draws tokens from the smallest set of likely ones whose probability reaches a bound (Holtzman et
 * al., 2020). Takes one uniform draw for each token of each unfinished text, in the order of the
 * texts.
 */
final class NucleusSampling extends TokenByToken {

  private final float temperature;
  private final float topP;
  private final IntFunction<RandomSource> random;

  NucleusSampling(
      TokenModel model,
      GenerationConfig config,
      GenerationListener listener,
      IntFunction<RandomSource> random) {
    super(model, config, listener);
    this.temperature = config.temperature();
    this.topP = config.topP();
    this.random = random;
  }

  @Override
  int choose(int text, float[] scores) {
    for (int token = 0; token < scores.length; token++) {
      scores[token] /= temperature;
    }
    double denominator = TokenScores.logSumExp(scores);
    long[] ranked = new long[scores.length];
    for (int token = 0; token < scores.length; token++) {
      float probability = (float) Math.exp(scores[token] - denominator);
      // The bits of positive numbers sort as the numbers do; of equal ones the first token comes
      // last.
      ranked[token] = (long) Float.floatToIntBits(probability) << 32 | (0xFFFFFFFFL - token);
    }
    Arrays.sort(ranked);
    int first = ranked.length;
    double kept = 0;
    while (first > 0 && kept < topP) {
      kept += probability(ranked[--first]);
    }
    double drawn = random.apply(text).uniform() * kept;
    for (int i = ranked.length - 1; i > first; i--) {
      drawn -= probability(ranked[i]);
      if (drawn < 0) {
        return token(ranked[i]);
      }
    }
    return token(ranked[first]);
  }

  private static float probability(long ranked) {
    return Float.intBitsToFloat((int) (ranked >>> 32));
  }

  private static int token(long ranked) {
    return (int) (0xFFFFFFFFL - (ranked & 0xFFFFFFFFL));
  }
}
