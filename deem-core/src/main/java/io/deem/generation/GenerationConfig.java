package io.deem.generation;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How to generate a text.
 *
 * <pre>{@code
 * GenerationConfig config =
 *     GenerationConfig.builder().numBeams(5).maxNewTokens(30).eosIds(2, 32000).padId(0).build();
 * }</pre>
 *
 * @param maxNewTokens most tokens to add to the prompt, at least 1
 * @param minLength no end token is chosen while a text, its prompt included, is shorter than this
 * @param numBeams texts that beam search follows for each prompt; 1 for greedy search or sampling
 * @param lengthPenalty exponent of the length by which a beam's score is divided; above 0 favours
 *     long texts
 * @param repetitionPenalty what the scores of tokens that are there already are weakened by; 1 for
 *     nothing
 * @param earlyStopping whether beam search stops as soon as it has {@code numBeams} finished texts
 * @param eosIds the end tokens; where beam search has to write one it writes the first
 * @param padId what short texts are filled up with
 * @param numReturnSequences texts to return for each prompt
 * @param candidateRule how many candidates beam search looks at
 * @param sampling whether to draw tokens by chance
 * @param temperature what scores are divided by before drawing, positive
 * @param topP tokens are drawn from the smallest set of this probability, in (0, 1]
 * @param seed of the draws
 */
public record GenerationConfig(
    int maxNewTokens,
    int minLength,
    int numBeams,
    double lengthPenalty,
    float repetitionPenalty,
    boolean earlyStopping,
    List<Integer> eosIds,
    int padId,
    int numReturnSequences,
    CandidateRule candidateRule,
    boolean sampling,
    float temperature,
    float topP,
    long seed) {

  /** Checks every value. */
  public GenerationConfig {
    eosIds = List.copyOf(eosIds);
    require(maxNewTokens >= 1, "maxNewTokens must be at least 1, got " + maxNewTokens);
    require(minLength >= 0, "minLength must be at least 0, got " + minLength);
    require(numBeams >= 1, "numBeams must be at least 1, got " + numBeams);
    require(Double.isFinite(lengthPenalty), "lengthPenalty must be finite, got " + lengthPenalty);
    require(
        repetitionPenalty > 0 && repetitionPenalty < Float.POSITIVE_INFINITY,
        "repetitionPenalty must be positive, got " + repetitionPenalty);
    require(eosIds.stream().allMatch(id -> id >= 0), "eosIds must not be negative, got " + eosIds);
    require(padId >= 0, "padId must not be negative, got " + padId);
    require(
        numReturnSequences >= 1,
        "numReturnSequences must be at least 1, got " + numReturnSequences);
    require(
        temperature > 0 && temperature < Float.POSITIVE_INFINITY,
        "temperature must be positive, got " + temperature);
    require(topP > 0 && topP <= 1, "topP must be in (0, 1], got " + topP);
    require(!sampling || numBeams == 1, "sampling goes with one beam only, got " + numBeams);
    require(
        sampling || numReturnSequences <= numBeams,
        "numReturnSequences = " + numReturnSequences + " needs as many beams, got " + numBeams);
    require(candidateRule != null, "candidateRule must not be null");
  }

  /** Starts from the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether a token ends a text. */
  boolean endsAt(int token) {
    for (int id : eosIds) {
      if (id == token) {
        return true;
      }
    }
    return false;
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }

  /** Collects the values of a {@link GenerationConfig}. */
  public static final class Builder {

    private int maxNewTokens = 30;
    private int minLength;
    private int numBeams = 1;
    private double lengthPenalty = 1;
    private float repetitionPenalty = 1;
    private boolean earlyStopping;
    private List<Integer> eosIds = List.of();
    private int padId;
    private int numReturnSequences = 1;
    private CandidateRule candidateRule = CandidateRule.DEEM;
    private boolean sampling;
    private float temperature = 1;
    private float topP = 1;
    private long seed;

    private Builder() {}

    /** Sets the most tokens to add; default 30. */
    public Builder maxNewTokens(int value) {
      maxNewTokens = value;
      return this;
    }

    /** Sets the length, prompt included, before which no text ends; default 0. */
    public Builder minLength(int value) {
      minLength = value;
      return this;
    }

    /** Sets the number of beams; default 1, which is greedy search. */
    public Builder numBeams(int value) {
      numBeams = value;
      return this;
    }

    /** Sets the exponent of the length in beam scores; default 1. */
    public Builder lengthPenalty(double value) {
      lengthPenalty = value;
      return this;
    }

    /** Sets the penalty on tokens that are there already; default 1, which is none. */
    public Builder repetitionPenalty(float value) {
      repetitionPenalty = value;
      return this;
    }

    /** Sets whether beam search stops at the first full set of finished texts; default no. */
    public Builder earlyStopping(boolean value) {
      earlyStopping = value;
      return this;
    }

    /** Sets the end tokens; default none, so that every text has its full length. */
    public Builder eosIds(int... values) {
      eosIds = Arrays.stream(values).boxed().collect(Collectors.toList());
      return this;
    }

    /** Sets the token that fills short texts up; default 0. */
    public Builder padId(int value) {
      padId = value;
      return this;
    }

    /** Sets how many texts to return for each prompt; default 1. */
    public Builder numReturnSequences(int value) {
      numReturnSequences = value;
      return this;
    }

    /** Sets how many candidates beam search looks at; default {@link CandidateRule#DEEM}. */
    public Builder candidateRule(CandidateRule value) {
      candidateRule = value;
      return this;
    }

    /**
     * Draws tokens by chance instead of taking the best.
     *
     * @param temperature below 1 for more likely tokens, above 1 for more surprise
     * @param topP probability of the set to draw from
     * @param seed equal seeds give equal texts
     */
    public Builder sampling(float temperature, float topP, long seed) {
      this.sampling = true;
      this.temperature = temperature;
      this.topP = topP;
      this.seed = seed;
      return this;
    }

    /**
     * Checks and freezes the values.
     *
     * @throws IllegalArgumentException naming the value that is out of range
     */
    public GenerationConfig build() {
      return new GenerationConfig(
          maxNewTokens,
          minLength,
          numBeams,
          lengthPenalty,
          repetitionPenalty,
          earlyStopping,
          eosIds,
          padId,
          numReturnSequences,
          candidateRule,
          sampling,
          temperature,
          topP,
          seed);
    }
  }
}
