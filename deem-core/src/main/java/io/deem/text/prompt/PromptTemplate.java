package io.deem.text.prompt;

import io.deem.portable.Whitespace;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The three parts of a prompt. Names in braces stand for what is put in: {@code {image}}, {@code
 * {question}}, {@code {caption}}, {@code {mask}}, {@code {few_shot_example}}.
 *
 * <p>The constants are the reference's own templates, letter by letter; checkpoints were trained on
 * them.
 *
 * @param system what the model is told about itself
 * @param user what the user says
 * @param assistant how the answer begins
 */
public record PromptTemplate(String system, String user, String assistant) {

  private static final String SYSTEM = "You are a helpful assistant.\n\n";
  private static final String SYSTEM_OF_CAPTIONS = "You are a helpful assistant. \n\n";
  private static final String QUESTION =
      "## USER: Based on the image, please answer the question. {image}{question}";
  private static final Pattern PLACE = Pattern.compile("\\{([a-z_]+)\\}");

  /** A question about an image, to learn from. */
  public static final PromptTemplate QUESTION_TRAINING =
      new PromptTemplate(SYSTEM, QUESTION + "\n", "## ASSISTANT:  The answer is");

  /** A question about an image, to be answered in a word. */
  public static final PromptTemplate QUESTION_EVALUATION =
      new PromptTemplate(
          SYSTEM,
          QUESTION + " Please provide an accurate answer within one word.\n",
          "## ASSISTANT: The answer is");

  /** A question with a fixed set of answers: yes or no, or two names. */
  public static final PromptTemplate CHOICE_EVALUATION =
      new PromptTemplate(SYSTEM, QUESTION + " \n", "## ASSISTANT: The answer is");

  /** An image to describe, to learn from. */
  public static final PromptTemplate CAPTION_TRAINING =
      new PromptTemplate(SYSTEM, "## USER: {image}{question} \n", "## ASSISTANT:  A photo of");

  /** An image to describe. */
  public static final PromptTemplate CAPTION_EVALUATION =
      new PromptTemplate(
          SYSTEM_OF_CAPTIONS,
          "## USER: {image} Could you provide a short description of the image? \n",
          "## ASSISTANT: A photo of");

  /** A description to draw, to learn from. */
  public static final PromptTemplate IMAGE_TRAINING =
      new PromptTemplate(SYSTEM, "## USER: {question}{caption} \n", "## ASSISTANT: ");

  /** A description to draw. */
  public static final PromptTemplate IMAGE_EVALUATION =
      new PromptTemplate(
          SYSTEM_OF_CAPTIONS,
          "## USER: please reconstruct the complete image from the description and the image to be"
              + " filled in {caption} \n",
          "## ASSISTANT: ");

  /** A description whose box is wanted, to learn from. */
  public static final PromptTemplate GROUNDING_TRAINING =
      new PromptTemplate(
          SYSTEM,
          "## USER: {image} Provide the bounding box coordinate of the region this sentence"
              + " describes: {caption}. \n",
          "## ASSISTANT: the bounding box coordinate is ");

  /** A description whose box is wanted; the answer begins inside the box. */
  public static final PromptTemplate GROUNDING_EVALUATION =
      new PromptTemplate(
          SYSTEM, GROUNDING_TRAINING.user, "## ASSISTANT: the bounding box coordinate is <box>");

  /** A region to describe, to learn from. */
  public static final PromptTemplate REFERRING_TRAINING =
      new PromptTemplate(
          SYSTEM,
          "## USER: {image} \n I will provide you with only one region containing only one object,"
              + " although there may be other objects present in the image. It is recommended that"
              + " you describe the object's relative position with respect to other objects in the"
              + " image and its basic attibuts, you should not give its position within the image."
              + " {mask}. \n",
          "## ASSISTANT:");

  /** A region to describe. */
  public static final PromptTemplate REFERRING_EVALUATION =
      new PromptTemplate(
          SYSTEM,
          "## USER: {image} Provide a short description for this <ref>region1</ref> {mask}. \n",
          "## ASSISTANT:");

  /**
   * Writes the prompt: system, user and assistant part joined by spaces, without whitespace around
   * the whole.
   *
   * @param values what is put in for each name; names of the user part only
   * @throws IllegalArgumentException if the template has a name without a value
   */
  public String fill(Map<String, String> values) {
    return Whitespace.strip(system + " " + fill(user, values) + " " + assistant);
  }

  /** Puts values in for the names of a text; what is put in is not looked at again. */
  static String fill(String text, Map<String, String> values) {
    StringBuilder filled = new StringBuilder();
    Matcher place = PLACE.matcher(text);
    int from = 0;
    while (place.find()) {
      String value = values.get(place.group(1));
      if (value == null) {
        throw new IllegalArgumentException(
            "the template has " + place.group() + ", for which there is no value");
      }
      filled.append(text, from, place.start()).append(value);
      from = place.end();
    }
    return filled.append(text, from, text.length()).toString();
  }
}
