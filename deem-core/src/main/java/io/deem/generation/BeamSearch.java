package io.deem.generation;

import io.deem.generation.FinishedBeams.Hypothesis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Follows several texts for each prompt and returns the best finished ones.
 *
 * <p>In each step every open beam is continued by every token; the score of a continuation is the
 * sum of the processed log-probabilities. The best candidates are walked from the top: an end token
 * closes its text if its rank is below the number of beams and is dropped otherwise; other tokens
 * become the next beams until there are enough. A prompt is done when its finished texts cannot be
 * beaten any more; its rows leave the model's batch at once.
 */
final class BeamSearch {

  /** Keeps the copies of a prompt apart in the first step: only the first one counts. */
  private static final float CLOSED = -1e9f;

  private final TokenModel model;
  private final GenerationConfig config;
  private final GenerationListener listener;
  private final TokenScores processors;

  BeamSearch(TokenModel model, GenerationConfig config, GenerationListener listener) {
    this.model = model;
    this.config = config;
    this.listener = listener;
    this.processors = new TokenScores(config);
  }

  /** The beams of one prompt. */
  private final class Prompt {
    final FinishedBeams finished = new FinishedBeams(config);
    final float[] scores = new float[config.numBeams()];
    // For each beam, the row of the model's last call that it continues, and its newest token.
    final int[] rows = new int[config.numBeams()];
    final int[] tokens = new int[config.numBeams()];
    int[][] sequences = new int[config.numBeams()][];
    boolean done;

    Prompt(int[] tokens, int row) {
      Arrays.fill(scores, CLOSED);
      scores[0] = 0;
      Arrays.fill(rows, row);
      Arrays.fill(sequences, tokens);
    }

    /** Goes one token on, by the model's scores for its rows. */
    void advance(float[][] logits) {
      int beams = config.numBeams();
      int length = sequences[0].length;
      int vocabulary = logits[0].length;
      int wanted = config.candidateRule().candidates(beams, config.eosIds().size());
      Candidates candidates = new Candidates((int) Math.min(wanted, (long) beams * vocabulary));
      for (int beam = 0; beam < beams; beam++) {
        float[] logProbabilities = TokenScores.logSoftmax(logits[rows[beam]]);
        processors.process(logProbabilities, sequences[beam], length);
        candidates.offer(beam, scores[beam], logProbabilities);
      }
      select(candidates);
      done = finished.isDone(candidates.score(0), length + 1);
    }

    private void select(Candidates candidates) {
      int beams = config.numBeams();
      int[][] parents = sequences;
      int[] parentRows = rows.clone();
      int[][] next = new int[beams][];
      int filled = 0;
      for (int rank = 0; rank < candidates.size() && filled < beams; rank++) {
        int token = candidates.token(rank);
        int[] parent = parents[candidates.beam(rank)];
        if (!config.endsAt(token)) {
          next[filled] = Arrays.copyOf(parent, parent.length + 1);
          next[filled][parent.length] = token;
          scores[filled] = candidates.score(rank);
          rows[filled] = parentRows[candidates.beam(rank)];
          tokens[filled] = token;
          filled++;
        } else if (rank < beams) {
          finished.add(parent, candidates.score(rank));
        }
      }
      if (filled < beams) {
        throw new IllegalStateException(
            "only "
                + filled
                + " of "
                + candidates.size()
                + " candidates are no end tokens, too few for "
                + beams
                + " beams");
      }
      sequences = next;
    }

    /** Takes the open beams for finished when there is no more time. */
    void close() {
      if (!done) {
        for (int beam = 0; beam < scores.length; beam++) {
          finished.add(sequences[beam], scores[beam]);
        }
      }
    }
  }

  Generation generate(int[][] prompts) {
    int promptLength = prompts[0].length;
    int maxLength = promptLength + config.maxNewTokens();
    List<Prompt> all = new ArrayList<>();
    for (int row = 0; row < prompts.length; row++) {
      all.add(new Prompt(prompts[row], row));
    }
    float[][] logits = TokenScores.checked(model.prefill(), prompts.length);
    for (int length = promptLength + 1; ; length++) {
      int[] leading = new int[prompts.length];
      List<Prompt> open = new ArrayList<>();
      for (int p = 0; p < prompts.length; p++) {
        Prompt prompt = all.get(p);
        leading[p] = config.padId();
        if (!prompt.done) {
          prompt.advance(logits);
          leading[p] = prompt.tokens[0];
          if (!prompt.done) {
            open.add(prompt);
          }
        }
      }
      boolean goOn = listener.onStep(length - promptLength, leading);
      if (!goOn || open.isEmpty() || length == maxLength) {
        all.forEach(Prompt::close);
        return result(all, promptLength, maxLength);
      }
      logits = step(open);
    }
  }

  private float[][] step(List<Prompt> open) {
    int beams = config.numBeams();
    int[] parentRows = new int[open.size() * beams];
    int[] tokens = new int[parentRows.length];
    for (int p = 0; p < open.size(); p++) {
      Prompt prompt = open.get(p);
      for (int beam = 0; beam < beams; beam++) {
        int row = p * beams + beam;
        parentRows[row] = prompt.rows[beam];
        tokens[row] = prompt.tokens[beam];
        prompt.rows[beam] = row;
      }
    }
    return TokenScores.checked(model.step(parentRows, tokens), parentRows.length);
  }

  private Generation result(List<Prompt> prompts, int promptLength, int maxLength) {
    List<Hypothesis> best = new ArrayList<>();
    for (Prompt prompt : prompts) {
      best.addAll(prompt.finished.best(config.numReturnSequences()));
    }
    int longest = 0;
    for (Hypothesis hypothesis : best) {
      longest = Math.max(longest, hypothesis.tokens().length);
    }
    boolean hasEnd = !config.eosIds().isEmpty();
    int width = Math.min(hasEnd ? longest + 1 : longest, maxLength);
    int[][] sequences = new int[best.size()][];
    int[] lengths = new int[sequences.length];
    double[] scores = new double[best.size()];
    for (int i = 0; i < sequences.length; i++) {
      int[] tokens = best.get(i).tokens();
      sequences[i] = Arrays.copyOf(tokens, width);
      Arrays.fill(sequences[i], tokens.length, width, config.padId());
      if (tokens.length < width && hasEnd) {
        // Whichever end token was met, the reference writes the first of the list.
        sequences[i][tokens.length] = config.eosIds().get(0);
      }
      lengths[i] = tokens.length;
      scores[i] = best.get(i).score();
    }
    return new Generation(sequences, lengths, scores, promptLength);
  }
}
