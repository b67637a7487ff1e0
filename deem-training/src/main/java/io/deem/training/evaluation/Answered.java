package io.deem.training.evaluation;

import java.util.Optional;

/**
 * A question with what a model answered.
 *
 * @param written the text that it wrote; nothing if it was not asked to
 * @param likeliest the option that it finds likeliest; nothing without options
 * @param share of this option among all, 0 to 1
 * @param writtenScore how right the text is, 0 to 1
 * @param likeliestScore how right the option is, 0 or 1
 */
public record Answered(
    Item item,
    Optional<String> written,
    Optional<String> likeliest,
    double share,
    double writtenScore,
    double likeliestScore) {

  /** The score of an answer, by how it was given. */
  double score(AnswerMode mode) {
    return mode == AnswerMode.WRITTEN ? writtenScore : likeliestScore;
  }

  /** Whether the answer is yes. */
  boolean saysYes(AnswerMode mode) {
    return mode == AnswerMode.WRITTEN
        ? written.map(text -> AnswerText.same(AnswerText.extract(text), "yes")).orElse(false)
        : likeliest.map("yes"::equals).orElse(false);
  }
}
