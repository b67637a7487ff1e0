package io.deem.model;

/**
 * The texts that a model was trained to go on from. {@code {image}} stands for the image and {@code
 * {question}} for the question.
 *
 * @param caption what a description continues, for example <code>{image}A photo of</code>
 * @param question what an answer continues, for example <code>{image}{question} Answer:</code>
 */
public record Prompts(String caption, String question) {

  /** Where the image goes. */
  public static final String IMAGE = "{image}";

  /** Where the question goes. */
  public static final String QUESTION = "{question}";

  public Prompts {
    requireOnce("caption", caption, IMAGE);
    requireOnce("question", question, IMAGE);
    requireOnce("question", question, QUESTION);
    if (question.indexOf(QUESTION) < question.indexOf(IMAGE)) {
      throw new IllegalArgumentException(
          "prompts.question must have " + QUESTION + " after " + IMAGE);
    }
  }

  /** The text before the image of a prompt. */
  public static String before(String prompt) {
    return prompt.substring(0, prompt.indexOf(IMAGE));
  }

  /** The text after the image of a prompt. */
  public static String after(String prompt) {
    return prompt.substring(prompt.indexOf(IMAGE) + IMAGE.length());
  }

  private static void requireOnce(String name, String prompt, String place) {
    int first = prompt.indexOf(place);
    if (first < 0 || first != prompt.lastIndexOf(place)) {
      throw new IllegalArgumentException(
          "prompts." + name + " must have " + place + " exactly once");
    }
  }
}
