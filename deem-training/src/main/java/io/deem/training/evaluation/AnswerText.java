package io.deem.training.evaluation;

import java.util.List;
import java.util.Locale;

/** Short answers taken out of what a model wrote, with the surprises of DEEM's reference. */
public final class AnswerText {

  private static final List<String> BEFORE = List.of("is ", "are ", "a ", "an ", "the ");
  private static final List<String> AFTER = List.of(" of", " or ", " and ");

  private AnswerText() {}

  /**
   * The answer in a sentence, as the reference's {@code extract_answer} has it: the first clause,
   * in lower case, from behind a verb or article, which may lie within a word, up to a preposition
   * or conjunction.
   */
  public static String extract(String text) {
    String answer = text.replace("\"", "").strip();
    for (String end : List.of("\n", ".", ",", "!")) {
      answer = before(answer, end);
    }
    answer = answer.toLowerCase(Locale.ROOT);
    for (String word : BEFORE) {
      int first = answer.indexOf(word);
      if (first >= 0) {
        answer = before(answer.substring(first + word.length()), word);
      }
    }
    for (String word : AFTER) {
      answer = before(answer, word);
    }
    return answer.strip();
  }

  /** What RobustVQA compares: the text with colons and brackets made into spaces. */
  public static String withoutBrackets(String text) {
    return text.replace(':', ' ').replace('[', ' ').replace(']', ' ');
  }

  /** Whether an answer is the wanted one, upper and lower case and white space set aside. */
  public static boolean same(String answer, String wanted) {
    return spaced(withoutBrackets(answer)).equalsIgnoreCase(spaced(wanted));
  }

  /** On one line, without whitespace around it. */
  static String spaced(String text) {
    return text.replace('\n', ' ').replace('\t', ' ').strip();
  }

  private static String before(String text, String end) {
    int at = text.indexOf(end);
    return at < 0 ? text : text.substring(0, at);
  }
}
