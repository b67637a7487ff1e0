package io.deem.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The loop of the searches that follow one text in each row: greedy search and sampling, which
 * differ in how they choose a token. Finished rows leave the model's batch at once.
 */
abstract class TokenByToken {

  private final TokenModel model;
  private final GenerationConfig config;
  private final GenerationListener listener;
  private final TokenScores processors;

  TokenByToken(TokenModel model, GenerationConfig config, GenerationListener listener) {
    this.model = model;
    this.config = config;
    this.listener = listener;
    this.processors = new TokenScores(config);
  }

  /**
   * Chooses a token by the processed scores, which it may change.
   *
   * @param text the index of the text that gets the token
   */
  abstract int choose(int text, float[] scores);

  /** One text in the making. */
  private final class Text {
    final int[] tokens;
    int length;
    double score;
    // The row of the model's last call that it continues.
    int row;
    boolean open = true;

    Text(int[] prompt, int row) {
      this.tokens = Arrays.copyOf(prompt, prompt.length + config.maxNewTokens());
      Arrays.fill(tokens, prompt.length, tokens.length, config.padId());
      this.length = prompt.length;
      this.row = row;
    }

    /** Adds a token, or finishes the text; returns the token. */
    int advance(int index, float[] logits) {
      float[] processed = logits.clone();
      processors.process(processed, tokens, length);
      int token = choose(index, processed);
      score += logits[token] - TokenScores.logSumExp(logits);
      tokens[length] = token;
      open = !config.endsAt(token);
      length += open ? 1 : 0;
      return token;
    }
  }

  final Generation generate(int[][] prompts) {
    List<Text> texts = new ArrayList<>();
    for (int row = 0; row < prompts.length; row++) {
      for (int copy = 0; copy < config.numReturnSequences(); copy++) {
        texts.add(new Text(prompts[row], row));
      }
    }
    float[][] logits = TokenScores.checked(model.prefill(), prompts.length);
    for (int step = 1; ; step++) {
      int[] emitted = new int[texts.size()];
      for (int i = 0; i < emitted.length; i++) {
        Text text = texts.get(i);
        emitted[i] = text.open ? text.advance(i, logits[text.row]) : config.padId();
      }
      boolean goOn = listener.onStep(step, emitted);
      for (int i = 0; i < emitted.length; i++) {
        Text text = texts.get(i);
        text.open = text.open && !listener.ends(i);
      }
      List<Text> open = texts.stream().filter(text -> text.open).collect(Collectors.toList());
      if (!goOn || open.isEmpty() || step == config.maxNewTokens()) {
        return result(texts, prompts[0].length, prompts[0].length + step);
      }
      logits = step(open);
    }
  }

  private float[][] step(List<Text> open) {
    int[] parentRows = new int[open.size()];
    int[] tokens = new int[open.size()];
    for (int row = 0; row < tokens.length; row++) {
      Text text = open.get(row);
      parentRows[row] = text.row;
      tokens[row] = text.tokens[text.length - 1];
      text.row = row;
    }
    return TokenScores.checked(model.step(parentRows, tokens), tokens.length);
  }

  private static Generation result(List<Text> texts, int promptLength, int width) {
    int[][] sequences = new int[texts.size()][];
    int[] lengths = new int[sequences.length];
    double[] scores = new double[sequences.length];
    for (int i = 0; i < sequences.length; i++) {
      Text text = texts.get(i);
      sequences[i] = Arrays.copyOf(text.tokens, width);
      lengths[i] = text.length;
      scores[i] = text.score;
    }
    return new Generation(sequences, lengths, scores, promptLength);
  }
}
