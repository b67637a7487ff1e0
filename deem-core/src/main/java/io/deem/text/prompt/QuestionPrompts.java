package io.deem.text.prompt;

import io.deem.generation.GenerationConfig;
import io.deem.random.Permutations;
import io.deem.random.RandomSource;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch.Side;
import io.deem.text.prompt.PromptBatch.Objective;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Questions about images. */
public final class QuestionPrompts {

  private final PromptFormat format;

  /** Prepares prompts of a model. */
  public QuestionPrompts(PromptFormat format) {
    this.format = format;
  }

  /**
   * A question.
   *
   * @param image what it is about
   * @param text the question
   * @param answer the right answer; not used where the question is only asked
   */
  public record Question<I>(I image, String text, String answer) {}

  /**
   * Answered questions to show before the one that is asked.
   *
   * @param template of one example: {@code {question}}, {@code {answer}}, {@code {eos_token}} (left
   *     empty), and {@code {image}} where examples are shown with their images
   * @param shots examples for each question
   * @param pool what they are drawn from
   */
  public record FewShot<I>(String template, int shots, List<Question<I>> pool) {

    /** Copies the pool. */
    public FewShot {
      pool = List.copyOf(pool);
    }

    private boolean showsImages() {
      return template.contains("{image}");
    }
  }

  /** How answers are generated: three beams, at most ten tokens, no reward for length. */
  public static GenerationConfig.Builder generation() {
    return GenerationConfig.builder().maxNewTokens(10).minLength(0).lengthPenalty(0).numBeams(3);
  }

  /** Answered questions to learn from: only the answers count. */
  public <I> PromptBatch<I> train(List<Question<I>> questions) {
    PromptRows<I> rows = new PromptRows<>(format);
    for (Question<I> question : questions) {
      String prompt = PromptTemplate.QUESTION_TRAINING.fill(values(question));
      rows.addAnswered(
          prompt,
          " " + question.answer + SpecialTokens.END,
          List.of(MaskedImage.whole(question.image)));
    }
    return rows.batch(Side.RIGHT, Objective.TEXT);
  }

  /**
   * Questions to answer.
   *
   * @param template {@link PromptTemplate#QUESTION_EVALUATION}, {@link
   *     PromptTemplate#CHOICE_EVALUATION} or another one with {@code {image}} and {@code
   *     {question}}
   */
  public <I> PromptBatch<I> evaluate(PromptTemplate template, List<Question<I>> questions) {
    PromptRows<I> rows = new PromptRows<>(format);
    for (Question<I> question : questions) {
      rows.add(template.fill(values(question)), List.of(MaskedImage.whole(question.image)));
    }
    return rows.batch(Side.LEFT, Objective.TEXT);
  }

  /**
   * Questions to answer, each after answered examples. The examples' images come before the
   * question's.
   *
   * @param template with {@code {few_shot_example}} beside {@code {image}} and {@code {question}}
   * @param random draws the examples of each question
   */
  public <I> PromptBatch<I> evaluate(
      PromptTemplate template,
      List<Question<I>> questions,
      FewShot<I> examples,
      RandomSource random) {
    PromptRows<I> rows = new PromptRows<>(format);
    for (Question<I> question : questions) {
      StringBuilder shown = new StringBuilder();
      List<MaskedImage<I>> images = new ArrayList<>();
      for (int i : Permutations.sample(examples.pool.size(), examples.shots, random)) {
        Question<I> example = examples.pool.get(i);
        shown.append(PromptTemplate.fill(examples.template, values(example)));
        if (examples.showsImages()) {
          images.add(MaskedImage.whole(example.image));
        }
      }
      images.add(MaskedImage.whole(question.image));
      Map<String, String> values =
          Map.of(
              "few_shot_example", shown.toString(),
              "image", format.image(),
              "question", question.text);
      rows.add(template.fill(values), images);
    }
    return rows.batch(Side.LEFT, Objective.TEXT);
  }

  private Map<String, String> values(Question<?> question) {
    return Map.of(
        "image",
        format.image(),
        "question",
        question.text,
        "answer",
        question.answer,
        "eos_token",
        "");
  }
}
