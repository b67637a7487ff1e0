package io.deem.training.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Answers as VQA's official scorer normalises them before it compares. */
public final class VqaText {

  private static final String PUNCTUATION = ";/[]\"{}()=+\\_-><@`,?!";
  private static final Pattern COMMA_IN_NUMBER =
      Pattern.compile("\\d,\\d", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern SPACES = Pattern.compile("\\s+");
  private static final Pattern LONE_DOT =
      Pattern.compile("\\.(?!\\d)", Pattern.UNICODE_CHARACTER_CLASS);

  /** The scorer hands a flag over as a count: so many dots are removed, and no more. */
  private static final int MOST_DOTS = 32;

  private static final Set<String> ARTICLES = Set.of("a", "an", "the");
  private static final Map<String, String> DIGITS =
      Map.ofEntries(
          Map.entry("none", "0"),
          Map.entry("zero", "0"),
          Map.entry("one", "1"),
          Map.entry("two", "2"),
          Map.entry("three", "3"),
          Map.entry("four", "4"),
          Map.entry("five", "5"),
          Map.entry("six", "6"),
          Map.entry("seven", "7"),
          Map.entry("eight", "8"),
          Map.entry("nine", "9"),
          Map.entry("ten", "10"));

  private VqaText() {}

  /** Without punctuation, articles and number words. */
  public static String normalise(String text) {
    return withoutArticles(withoutPunctuation(text));
  }

  /**
   * Punctuation beside a space, or in a text with a comma between digits, vanishes; other
   * punctuation becomes a space; dots vanish that no digit follows.
   */
  public static String withoutPunctuation(String text) {
    boolean number = COMMA_IN_NUMBER.matcher(text).find();
    String result = text;
    for (int i = 0; i < PUNCTUATION.length(); i++) {
      String mark = PUNCTUATION.substring(i, i + 1);
      boolean beside = text.contains(mark + " ") || text.contains(" " + mark);
      result = result.replace(mark, beside || number ? "" : " ");
    }
    Matcher dots = LONE_DOT.matcher(result);
    StringBuilder without = new StringBuilder();
    for (int count = 0; count < MOST_DOTS && dots.find(); count++) {
      dots.appendReplacement(without, "");
    }
    return dots.appendTail(without).toString();
  }

  /** {@link #normalise} with VizWiz's table, which puts backticks where apostrophes belong. */
  static String normaliseForVizWiz(String text) {
    return words(withoutPunctuation(text), Contractions::restoreWithBackticks);
  }

  /** In lower case, without articles, with digits for number words and apostrophes put back. */
  public static String withoutArticles(String text) {
    return words(text, Contractions::restore);
  }

  private static String words(String text, UnaryOperator<String> restore) {
    List<String> words = new ArrayList<>();
    for (String word : SPACES.split(text.toLowerCase(Locale.ROOT).strip(), -1)) {
      String digits = DIGITS.getOrDefault(word, word);
      if (!digits.isEmpty() && !ARTICLES.contains(digits)) {
        words.add(restore.apply(digits));
      }
    }
    return String.join(" ", words);
  }
}
