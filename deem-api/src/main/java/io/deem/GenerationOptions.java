package io.deem;

import java.util.List;

/**
 * How a text is generated. Immutable; start from {@link #defaults()}.
 *
 * <pre>{@code
 * GenerationOptions options =
 *     GenerationOptions.defaults().withMaxNewTokens(60).withTemperature(0.7).withTopP(0.9);
 * }</pre>
 *
 * <p>With {@code temperature} 0 the likeliest token is taken at each place, or with several {@code
 * beams} the likeliest text that beam search finds; above 0 tokens are drawn by chance.
 *
 * @param maxNewTokens most tokens of the text, at least 1
 * @param minNewTokens tokens before which the text does not end, from 0 to {@code maxNewTokens}
 * @param beams texts that beam search follows, 1 to 32; 1 if tokens are drawn
 * @param lengthPenalty exponent of the length by which a beam's score is divided; above 0 favours
 *     long texts, 0 none
 * @param repetitionPenalty what the scores of tokens that were generated before are weakened by; 1
 *     for nothing
 * @param temperature 0 for the likeliest token; below 1 for likely, above 1 for more surprising
 *     tokens
 * @param topP tokens are drawn from the smallest set of this probability, above 0 to 1
 * @param seed of the draws: equal seeds give equal texts
 * @param stop texts before which the text is cut, none empty; what follows is not generated, but
 *     with several beams cut off
 */
public record GenerationOptions(
    int maxNewTokens,
    int minNewTokens,
    int beams,
    double lengthPenalty,
    double repetitionPenalty,
    double temperature,
    double topP,
    long seed,
    List<String> stop) {

  private static final int MOST_TOKENS = 1 << 16;
  private static final int MOST_BEAMS = 32;

  private static final GenerationOptions DEFAULTS =
      new GenerationOptions(30, 0, 1, 1, 1, 0, 1, 0, List.of());

  public GenerationOptions {
    stop = List.copyOf(stop);
    require(
        maxNewTokens >= 1 && maxNewTokens <= MOST_TOKENS,
        "maxNewTokens must be from 1 to " + MOST_TOKENS + ", not " + maxNewTokens);
    require(
        minNewTokens >= 0 && minNewTokens <= maxNewTokens,
        "minNewTokens must be from 0 to maxNewTokens = " + maxNewTokens + ", not " + minNewTokens);
    require(
        beams >= 1 && beams <= MOST_BEAMS,
        "beams must be from 1 to " + MOST_BEAMS + ", not " + beams);
    require(
        Math.abs(lengthPenalty) <= 100,
        "lengthPenalty must be from -100 to 100, not " + lengthPenalty);
    require(
        repetitionPenalty > 0 && repetitionPenalty <= 1000,
        "repetitionPenalty must be above 0 and at most 1000, not " + repetitionPenalty);
    require(
        temperature == 0 || (temperature >= 0.001 && temperature <= 1000),
        "temperature must be 0, or from 0.001 to 1000, not " + temperature);
    require(topP > 0 && topP <= 1, "topP must be above 0 and at most 1, not " + topP);
    require(
        beams == 1 || temperature == 0,
        "tokens are drawn for one beam only: beams is " + beams + ", temperature " + temperature);
    require(stop.stream().noneMatch(String::isEmpty), "stop must not have an empty text");
  }

  /** The likeliest token at each place, at most 30. */
  public static GenerationOptions defaults() {
    return DEFAULTS;
  }

  /**
   * As the paper describes images (Luo et al. 2025, "DEEM"): five beams, 7 to 20 tokens. Its lower
   * bound of 8 counts the token that a text begins with.
   */
  public static GenerationOptions paperCaption() {
    return DEFAULTS.withBeams(5).withMaxNewTokens(20).withMinNewTokens(7);
  }

  /** As the paper answers questions: three beams, at most 10 tokens, no reward for length. */
  public static GenerationOptions paperAnswer() {
    return DEFAULTS.withBeams(3).withMaxNewTokens(10).withLengthPenalty(0);
  }

  /** These options with another bound of the length; lowers the lower bound if need be. */
  public GenerationOptions withMaxNewTokens(int count) {
    return new GenerationOptions(
        count,
        Math.min(minNewTokens, Math.max(count, 0)),
        beams,
        lengthPenalty,
        repetitionPenalty,
        temperature,
        topP,
        seed,
        stop);
  }

  /** These options with another lower bound of the length. */
  public GenerationOptions withMinNewTokens(int count) {
    return new GenerationOptions(
        maxNewTokens,
        count,
        beams,
        lengthPenalty,
        repetitionPenalty,
        temperature,
        topP,
        seed,
        stop);
  }

  /** These options with another number of beams. */
  public GenerationOptions withBeams(int count) {
    return new GenerationOptions(
        maxNewTokens,
        minNewTokens,
        count,
        lengthPenalty,
        repetitionPenalty,
        temperature,
        topP,
        seed,
        stop);
  }

  /** These options with another length penalty. */
  public GenerationOptions withLengthPenalty(double exponent) {
    return new GenerationOptions(
        maxNewTokens,
        minNewTokens,
        beams,
        exponent,
        repetitionPenalty,
        temperature,
        topP,
        seed,
        stop);
  }

  /** These options with another repetition penalty. */
  public GenerationOptions withRepetitionPenalty(double penalty) {
    return new GenerationOptions(
        maxNewTokens, minNewTokens, beams, lengthPenalty, penalty, temperature, topP, seed, stop);
  }

  /** These options with another temperature. */
  public GenerationOptions withTemperature(double value) {
    return new GenerationOptions(
        maxNewTokens,
        minNewTokens,
        beams,
        lengthPenalty,
        repetitionPenalty,
        value,
        topP,
        seed,
        stop);
  }

  /** These options with another set to draw from. */
  public GenerationOptions withTopP(double probability) {
    return new GenerationOptions(
        maxNewTokens,
        minNewTokens,
        beams,
        lengthPenalty,
        repetitionPenalty,
        temperature,
        probability,
        seed,
        stop);
  }

  /** These options with another seed. */
  public GenerationOptions withSeed(long value) {
    return new GenerationOptions(
        maxNewTokens,
        minNewTokens,
        beams,
        lengthPenalty,
        repetitionPenalty,
        temperature,
        topP,
        value,
        stop);
  }

  /** These options with other texts to stop at. */
  public GenerationOptions withStop(String... texts) {
    return new GenerationOptions(
        maxNewTokens,
        minNewTokens,
        beams,
        lengthPenalty,
        repetitionPenalty,
        temperature,
        topP,
        seed,
        List.of(texts));
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
