package io.deem.text.prompt;

import io.deem.random.PythonRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * The questions of the robustness benchmark, in the reference's words (sic) and in its order, which
 * Python's generator with a fixed seed decides.
 */
public final class RobustQuestions {

  /** The seed of the reference's order. */
  public static final long SEED = 8823;

  private static final String YES_OR_NO = " Please anwser yes or no";

  private RobustQuestions() {}

  /**
   * A labelled image.
   *
   * @param image what stands for it
   * @param name of its main object
   * @param wrongName of something that it might be taken for
   */
  public record Labelled<I>(I image, String name, String wrongName) {}

  /** Two questions for each image: whether it shows what it shows, and whether the wrong thing. */
  public static <I> List<QuestionPrompts.Question<I>> presence(List<Labelled<I>> images) {
    List<QuestionPrompts.Question<I>> questions = new ArrayList<>();
    for (Labelled<I> image : images) {
      questions.add(presence(image.image, image.name, "yes"));
      questions.add(presence(image.image, image.wrongName, "no"));
    }
    new PythonRandom(SEED).shuffle(questions);
    return questions;
  }

  private static <I> QuestionPrompts.Question<I> presence(I image, String name, String answer) {
    String text = "Is " + name + " the main object in this image?" + YES_OR_NO;
    return new QuestionPrompts.Question<>(image, text, answer);
  }

  /**
   * One question for each image: which of the two it shows. The order of the two names goes on from
   * the same generator, image by image, as {@code random.sample([name, wrongName], 2)} draws it.
   */
  public static <I> List<QuestionPrompts.Question<I>> choice(List<Labelled<I>> images) {
    List<Labelled<I>> ordered = new ArrayList<>(images);
    PythonRandom random = new PythonRandom(SEED);
    random.shuffle(ordered);
    List<QuestionPrompts.Question<I>> questions = new ArrayList<>();
    for (Labelled<I> image : ordered) {
      boolean wrongFirst = random.uniformInt(2) == 1;
      // Python draws the last one too, from a choice of one, and that takes numbers as well.
      random.uniformInt(1);
      List<String> names =
          wrongFirst ? List.of(image.wrongName, image.name) : List.of(image.name, image.wrongName);
      String text =
          "What is the main object in this image? Choose from the following list:["
              + String.join(", ", names)
              + "]";
      questions.add(new QuestionPrompts.Question<>(image.image, text, image.name));
    }
    return questions;
  }

  /** A question of the object hallucination benchmark (POPE) with the request for yes or no. */
  public static String hallucination(String question) {
    return question + YES_OR_NO;
  }
}
