package io.deem.training.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Scores of captions against references: BLEU, ROUGE-L and CIDEr-D. METEOR and SPICE are not
 * computed: they need word lists and parsers of which no Java library is kept.
 *
 * @param bleu BLEU-1 to BLEU-4, 0 to 1
 * @param rougeL 0 to 1
 * @param cider 0 to 10
 */
@SuppressWarnings("ArrayRecordComponent") // four numbers, read only
public record CaptionScores(double[] bleu, double rougeL, double cider) {

  private static final Pattern TOKEN =
      Pattern.compile(
          "n't\\b|'(?:s|m|d|ll|re|ve)\\b|\\p{L}+(?=n't\\b)|[\\p{L}\\p{N}]+(?:[-.,:/]?[\\p{L}\\p{N}]+)*"
              + "|\\S");

  private static final Set<String> PUNCTUATION =
      Set.of(
          "''", "'", "``", "`", "(", ")", "{", "}", ".", "?", "!", ",", ":", "-", "--", "...", ";",
          "\"", "[", "]");

  /**
   * A caption and what it should say.
   *
   * @param hypothesis in tokens, separated by single spaces; see {@link #tokens}
   * @param references the same, at least one
   */
  public record Item(String hypothesis, List<String> references) {

    /** Copies the list. */
    public Item {
      references = List.copyOf(references);
      if (references.isEmpty()) {
        throw new IllegalArgumentException("a caption without references");
      }
    }

    /** An item of texts as people write them. */
    public static Item ofText(String hypothesis, List<String> references) {
      return new Item(tokens(hypothesis), references.stream().map(CaptionScores::tokens).toList());
    }
  }

  /** The scores of captions; there must be at least one. */
  public static CaptionScores of(List<Item> items) {
    double rouge = items.stream().mapToDouble(RougeL::of).average().orElseThrow();
    double cider = Arrays.stream(Cider.of(items)).average().orElseThrow();
    return new CaptionScores(Bleu.of(items).whole(), rouge, cider);
  }

  /**
   * A text in lower case, in tokens with one space between them, without punctuation: the Penn
   * Treebank's rules as far as captions need them (contractions are split, numbers and words with
   * hyphens are not).
   */
  public static String tokens(String text) {
    List<String> tokens = new ArrayList<>();
    Matcher matcher = TOKEN.matcher(text.toLowerCase(Locale.ROOT));
    while (matcher.find()) {
      if (!PUNCTUATION.contains(matcher.group())) {
        tokens.add(matcher.group());
      }
    }
    return String.join(" ", tokens);
  }
}
