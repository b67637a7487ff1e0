package io.deem.generation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The best finished texts of one prompt. */
final class FinishedBeams {

  /**
   * A finished text.
   *
   * @param tokens prompt included, end token excluded
   * @param score sum of log-probabilities over length to the power of the length penalty
   */
  record Hypothesis(int[] tokens, double score) {}

  private final List<Hypothesis> kept = new ArrayList<>();
  private final int capacity;
  private final double lengthPenalty;
  private final boolean earlyStopping;

  FinishedBeams(GenerationConfig config) {
    this.capacity = config.numBeams();
    this.lengthPenalty = config.lengthPenalty();
    this.earlyStopping = config.earlyStopping();
  }

  void add(int[] tokens, double sumOfLogProbabilities) {
    double score = sumOfLogProbabilities / Math.pow(tokens.length, lengthPenalty);
    if (kept.size() < capacity) {
      kept.add(new Hypothesis(tokens, score));
    } else if (score > worst().score()) {
      kept.add(new Hypothesis(tokens, score));
      kept.remove(worst());
    }
  }

  /**
   * Whether no open beam can still get in.
   *
   * @param bestSum the best sum of log-probabilities of this step's candidates
   * @param length the length that those candidates have
   */
  boolean isDone(double bestSum, int length) {
    return kept.size() == capacity
        && (earlyStopping || worst().score() >= bestSum / Math.pow(length, lengthPenalty));
  }

  /** The best texts, best first; of equally good ones the later one comes first. */
  List<Hypothesis> best(int count) {
    List<Hypothesis> ascending = new ArrayList<>(kept);
    ascending.sort(Comparator.comparingDouble(Hypothesis::score));
    List<Hypothesis> best = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      best.add(ascending.get(ascending.size() - 1 - i));
    }
    return best;
  }

  /** The worst text, the earliest of several equally bad ones. */
  private Hypothesis worst() {
    Hypothesis worst = kept.get(0);
    for (Hypothesis hypothesis : kept) {
      if (hypothesis.score() < worst.score()) {
        worst = hypothesis;
      }
    }
    return worst;
  }
}
