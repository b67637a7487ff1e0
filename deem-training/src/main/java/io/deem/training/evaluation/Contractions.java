package io.deem.training.evaluation;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The words that VQA's official scorer gives their apostrophes back; its slips are kept. */
final class Contractions {

  /** The right forms; without one or more apostrophes they are what is replaced. */
  private static final String[] REGULAR = {
    "ain't",
    "aren't",
    "can't",
    "could've",
    "couldn't",
    "didn't",
    "doesn't",
    "don't",
    "hadn't",
    "hasn't",
    "haven't",
    "he'd",
    "he's",
    "how'd",
    "how'll",
    "how's",
    "isn't",
    "it'd",
    "it'll",
    "ma'am",
    "mightn't",
    "might've",
    "mustn't",
    "must've",
    "needn't",
    "not've",
    "o'clock",
    "oughtn't",
    "shan't",
    "should've",
    "shouldn't",
    "somebody'll",
    "somebody's",
    "someone'd",
    "someone'll",
    "someone's",
    "something'd",
    "something'll",
    "that's",
    "there'd",
    "there're",
    "there's",
    "they'd",
    "they'll",
    "they're",
    "they've",
    "wasn't",
    "we've",
    "weren't",
    "what'll",
    "what're",
    "what's",
    "what've",
    "when's",
    "where'd",
    "where's",
    "where've",
    "who'd",
    "who'll",
    "who's",
    "who've",
    "why'll",
    "why're",
    "why's",
    "won't",
    "would've",
    "wouldn't",
    "y'all",
    "you'd",
    "you'll",
    "you're",
    "you've",
    "'twas"
  };

  /** Forms with two apostrophes, of which either may be missing. */
  private static final String[] DOUBLE = {
    "couldn't've",
    "hadn't've",
    "he'd've",
    "it'd've",
    "mightn't've",
    "she'd've",
    "shouldn't've",
    "somebody'd've",
    "someone'd've",
    "something'd've",
    "there'd've",
    "they'd've",
    "we'd've",
    "who'd've",
    "wouldn't've",
    "you'd've"
  };

  private static final String[][] OTHERS = {
    {"ow's'at", "'ow's'at"},
    {"'ows'at", "'ow's'at"},
    {"'ow'sat", "'ow's'at"},
    {"somebody'd", "somebodyd"},
    {"yall'll", "y'all'll"},
    {"y'allll", "y'all'll"},
    {"yall'd've", "y'all'd've"},
    {"y'alld've", "y'all'd've"},
    {"y'all'dve", "y'all'd've"},
  };

  /** What VizWiz's scorer gives real apostrophes; everything else it gives backticks by mistake. */
  private static final Set<String> WITHOUT_BACKTICKS =
      Set.of("ain't", "aren't", "can't", "could've", "couldn't", "we've", "where's", "who've");

  /** The keys with an apostrophe that VizWiz's table has kept. */
  private static final Set<String> KEPT_KEYS = Set.of("couldn'tve", "hadn'tve");

  private static final Map<String, String> TABLE = table();

  private Contractions() {}

  static String restore(String word) {
    return TABLE.getOrDefault(word, word);
  }

  /** As VizWiz's scorer does it. */
  static String restoreWithBackticks(String word) {
    String right = TABLE.get(word);
    if (right == null || (word.indexOf('\'') >= 0 && !KEPT_KEYS.contains(word))) {
      return word;
    }
    return WITHOUT_BACKTICKS.contains(right) ? right : right.replace('\'', '`');
  }

  private static Map<String, String> table() {
    Map<String, String> table = new HashMap<>();
    for (String right : REGULAR) {
      table.put(right.replace("'", ""), right);
    }
    for (String right : DOUBLE) {
      int first = right.indexOf('\'');
      int second = right.lastIndexOf('\'');
      table.put(right.substring(0, first) + right.substring(first + 1), right);
      table.put(right.substring(0, second) + right.substring(second + 1), right);
    }
    for (String[] pair : OTHERS) {
      table.put(pair[0], pair[1]);
    }
    return Map.copyOf(table);
  }
}
