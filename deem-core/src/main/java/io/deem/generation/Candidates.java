package io.deem.generation;

/**
 * The best continuations of one prompt's beams, best first; of equal ones the one offered first.
 */
final class Candidates {

  private final float[] scores;
  private final int[] beams;
  private final int[] tokens;
  private int size;

  Candidates(int capacity) {
    scores = new float[capacity];
    beams = new int[capacity];
    tokens = new int[capacity];
  }

  /** Offers all continuations of a beam: its score plus the log-probability of each token. */
  void offer(int beam, float beamScore, float[] logProbabilities) {
    for (int token = 0; token < logProbabilities.length; token++) {
      float score = logProbabilities[token] + beamScore;
      if (size < scores.length || score > scores[size - 1]) {
        insert(score, beam, token);
      }
    }
  }

  private void insert(float score, int beam, int token) {
    int place = size < scores.length ? size++ : size - 1;
    while (place > 0 && scores[place - 1] < score) {
      scores[place] = scores[place - 1];
      beams[place] = beams[place - 1];
      tokens[place] = tokens[place - 1];
      place--;
    }
    scores[place] = score;
    beams[place] = beam;
    tokens[place] = token;
  }

  int size() {
    return size;
  }

  float score(int rank) {
    return scores[rank];
  }

  int beam(int rank) {
    return beams[rank];
  }

  int token(int rank) {
    return tokens[rank];
  }
}
