package io.deem.mini;

import java.util.List;

/**
 * A question about a scene with its true answer.
 *
 * @param kind what it is about
 * @param text the question, one sentence
 * @param answer the answer in lower case, without article or full stop
 * @param options what could be answered, the true answer among them; all others are wrong
 * @param concepts the concepts that it names
 */
public record Question(
    QuestionKind kind, String text, String answer, List<String> options, List<Concept> concepts) {

  /** Options of a yes/no question. */
  public static final List<String> YES_NO = List.of("yes", "no");

  /** Makes the lists immutable and checks that the answer is an option. */
  public Question {
    options = List.copyOf(options);
    concepts = List.copyOf(concepts);
    if (!options.contains(answer)) {
      throw new IllegalArgumentException("The answer '" + answer + "' is not among " + options);
    }
  }

  static Question yesNo(QuestionKind kind, String text, boolean yes, Concept... concepts) {
    return new Question(kind, text, yes ? "yes" : "no", YES_NO, List.of(concepts));
  }
}
