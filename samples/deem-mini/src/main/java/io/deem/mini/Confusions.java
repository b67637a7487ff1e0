package io.deem.mini;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a concept's picture is easily taken for: of the concepts that cannot be claimed for it, the
 * one whose picture in the same style has the least mean squared difference, both at 16x16 pixels
 * on white. The measure looks at pictures alone, so it favours no model.
 */
final class Confusions {

  private final List<Concept> concepts;
  private final Map<String, double[]> thumbnails = new HashMap<>();

  Confusions(EmojiCorpus corpus, EmojiStyle style, Vocabulary vocabulary) {
    this.concepts = vocabulary.concepts();
    for (Concept concept : concepts) {
      thumbnails.put(concept.id(), corpus.glyph(style, concept).thumbnail());
    }
  }

  /** The concept that this one is taken for. */
  Concept of(Concept concept) {
    Concept nearest = null;
    double least = Double.POSITIVE_INFINITY;
    for (Concept other : concepts) {
      double distance = distance(thumbnails.get(concept.id()), thumbnails.get(other.id()));
      if (!concept.confusableWith(other) && distance < least) {
        nearest = other;
        least = distance;
      }
    }
    if (nearest == null) {
      throw new IllegalArgumentException("Everything could be taken for " + concept.id());
    }
    return nearest;
  }

  private static double distance(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
  }
}
