package io.deem.generation;

import io.deem.random.RandomSource;
import java.util.Objects;
import java.util.function.IntFunction;

/** Generates texts in the way that a configuration asks for. */
public final class TextGeneration {

  private TextGeneration() {}

  /**
   * Generates, with draws (if any) from the configuration's seed.
   *
   * @see #generate(TokenModel, int[][], GenerationConfig, GenerationListener, RandomSource)
   */
  public static Generation generate(
      TokenModel model, int[][] prompts, GenerationConfig config, GenerationListener listener) {
    return generate(model, prompts, config, listener, RandomSource.seeded(config.seed()));
  }

  /**
   * Generates.
   *
   * @param model a model that has been given the prompts and was not asked for anything yet
   * @param prompts the prompts' tokens, all of one length, left padding included: they count for
   *     length and repetition. A prompt that the model knows only as embeddings is one begin token.
   * @param config the way to generate
   * @param listener told of each token
   * @param random what tokens are drawn with if the configuration says so
   * @return the texts
   * @throws IllegalArgumentException if there are no prompts or their lengths differ
   * @throws IllegalStateException if the model returns the wrong number of rows, or a NaN
   */
  public static Generation generate(
      TokenModel model,
      int[][] prompts,
      GenerationConfig config,
      GenerationListener listener,
      RandomSource random) {
    return generate(model, prompts, config, listener, text -> random);
  }

  /**
   * Generates, each text with draws of its own: what a text becomes does not depend on its company.
   *
   * @param random for each text, counted in the order in which they are returned, what its tokens
   *     are drawn with if the configuration says so
   * @see #generate(TokenModel, int[][], GenerationConfig, GenerationListener, RandomSource)
   */
  public static Generation generate(
      TokenModel model,
      int[][] prompts,
      GenerationConfig config,
      GenerationListener listener,
      IntFunction<RandomSource> random) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(listener, "listener");
    requirePrompts(prompts);
    if (config.sampling()) {
      return new NucleusSampling(model, config, listener, random).generate(prompts);
    }
    return config.numBeams() == 1
        ? new GreedySearch(model, config, listener).generate(prompts)
        : new BeamSearch(model, config, listener).generate(prompts);
  }

  private static void requirePrompts(int[][] prompts) {
    if (prompts.length == 0) {
      throw new IllegalArgumentException("there are no prompts");
    }
    for (int[] prompt : prompts) {
      if (prompt.length == 0 || prompt.length != prompts[0].length) {
        throw new IllegalArgumentException(
            "prompts must have one length, at least 1; got "
                + prompts[0].length
                + " and "
                + prompt.length);
      }
    }
  }
}
