package io.deem.training.evaluation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * CIDEr-D of captions (Vedantam et al. 2015): cosine of the texts' word sequences, weighted by how
 * few pictures' references have them, with the hypothesis's weights clipped and a penalty for
 * another length. The document frequencies are those of the references given, so one picture alone
 * scores 0.
 */
public final class Cider {

  private static final double SIGMA = 6;
  private static final double SCALE = 10;

  private final Map<List<String>, Integer> pictures = new HashMap<>();
  private final double logCount;

  private Cider(List<CaptionScores.Item> items) {
    for (CaptionScores.Item item : items) {
      Set<List<String>> present = new HashSet<>();
      for (String reference : item.references()) {
        List<String> words = NGrams.words(reference);
        for (int k = 1; k <= NGrams.LONGEST; k++) {
          present.addAll(NGrams.count(words, k).keySet());
        }
      }
      present.forEach(gram -> pictures.merge(gram, 1, Integer::sum));
    }
    logCount = Math.log(items.size());
  }

  /** The score of each caption, 0 to 10; the score of the set is their mean. */
  public static double[] of(List<CaptionScores.Item> items) {
    Cider cider = new Cider(items);
    return items.stream().mapToDouble(cider::score).toArray();
  }

  /**
   * A text by the weights of its sequences.
   *
   * @param weights for each length of sequences
   * @param length the count of its sequences of two words, which stands for its length
   */
  private record Vector(List<Map<List<String>, Double>> weights, double[] norms, int length) {}

  private Vector vector(String text) {
    List<String> words = NGrams.words(text);
    List<Map<List<String>, Double>> weights = new ArrayList<>();
    double[] norms = new double[NGrams.LONGEST];
    for (int k = 1; k <= NGrams.LONGEST; k++) {
      Map<List<String>, Double> ofLength = new HashMap<>();
      for (Map.Entry<List<String>, Integer> gram : NGrams.count(words, k).entrySet()) {
        double frequency = Math.log(Math.max(1, pictures.getOrDefault(gram.getKey(), 0)));
        double weight = gram.getValue() * (logCount - frequency);
        ofLength.put(gram.getKey(), weight);
        norms[k - 1] += weight * weight;
      }
      norms[k - 1] = Math.sqrt(norms[k - 1]);
      weights.add(ofLength);
    }
    return new Vector(weights, norms, Math.max(0, words.size() - 1));
  }

  private double score(CaptionScores.Item item) {
    Vector hypothesis = vector(item.hypothesis());
    double sum = 0;
    for (String reference : item.references()) {
      sum += similarity(hypothesis, vector(reference));
    }
    return SCALE * sum / NGrams.LONGEST / item.references().size();
  }

  private static double similarity(Vector hypothesis, Vector reference) {
    double delta = hypothesis.length - reference.length;
    double penalty = Math.exp(-delta * delta / (2 * SIGMA * SIGMA));
    double sum = 0;
    for (int k = 0; k < NGrams.LONGEST; k++) {
      Map<List<String>, Double> other = reference.weights.get(k);
      double product = 0;
      for (Map.Entry<List<String>, Double> gram : hypothesis.weights.get(k).entrySet()) {
        double weight = other.getOrDefault(gram.getKey(), 0.0);
        product += Math.min(gram.getValue(), weight) * weight;
      }
      double norms = hypothesis.norms[k] * reference.norms[k];
      sum += (norms == 0 ? product : product / norms) * penalty;
    }
    return sum;
  }
}
