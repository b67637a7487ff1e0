package io.deem.training.evaluation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Counts of the word sequences of a text, of one to four words. */
final class NGrams {

  /** Words of the longest sequence. */
  static final int LONGEST = 4;

  private NGrams() {}

  /** The words of a tokenised text. */
  static List<String> words(String text) {
    return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+"));
  }

  /** How often each sequence of {@code length} words occurs. */
  static Map<List<String>, Integer> count(List<String> words, int length) {
    Map<List<String>, Integer> counts = new LinkedHashMap<>();
    for (int i = 0; i + length <= words.size(); i++) {
      counts.merge(List.copyOf(words.subList(i, i + length)), 1, Integer::sum);
    }
    return counts;
  }
}
