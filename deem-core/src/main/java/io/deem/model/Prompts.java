package io.deem.model;

import io.deem.portable.Whitespace;
import java.util.Optional;

/**
 * The texts that a model was trained to go on from. {@code {image}} stands for the image and {@code
 * {question}} for the question, {@code {region}} for the image of which only a region is seen, and
 * {@code {caption}} for a description.
 *
 * @param caption what a description continues, for example <code>{image}A photo of</code>
 * @param question what an answer continues, for example <code>{image}{question} Answer:</code>
 * @param region what the description of a region continues: the whole image, then the region. A
 *     model without it was not trained on regions; its caption prompt is used with the region
 * @param imagine what an image is drawn from, a description before it. By default what stands
 *     around the image in the caption prompt, the description, the image
 * @param contextLength most tokens, those of images included, of a prompt and what continues it;
 *     {@value #DEFAULT_CONTEXT} if it is not said
 */
public record Prompts(
    String caption,
    String question,
    Optional<String> region,
    Optional<String> imagine,
    Optional<Integer> contextLength) {

  /** Where the image goes. */
  public static final String IMAGE = "{image}";

  /** Where the question goes. */
  public static final String QUESTION = "{question}";

  /** Where the image goes of which only a region is seen. */
  public static final String REGION = "{region}";

  /** Where the description goes. */
  public static final String CAPTION = "{caption}";

  /** The length that the paper trains with. */
  public static final int DEFAULT_CONTEXT = 2048;

  public Prompts {
    requireOnce("caption", caption, IMAGE);
    requireOnce("question", question, IMAGE);
    requireOnce("question", question, QUESTION);
    requireOrder("question", question, IMAGE, QUESTION);
    region.ifPresent(
        text -> {
          requireOnce("region", text, IMAGE);
          requireOnce("region", text, REGION);
          requireOrder("region", text, IMAGE, REGION);
        });
    imagine.ifPresent(
        text -> {
          requireOnce("imagine", text, CAPTION);
          requireOnce("imagine", text, IMAGE);
          requireOrder("imagine", text, CAPTION, IMAGE);
        });
    contextLength.ifPresent(
        length -> {
          if (length < 1) {
            throw new IllegalArgumentException(
                "prompts.contextLength must be at least 1, not " + length);
          }
        });
  }

  /** The prompts of a model of which only these are known. */
  public Prompts(String caption, String question) {
    this(caption, question, Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** What an image is drawn from, also where the model does not say. */
  public String drawing() {
    return imagine.orElseGet(
        () -> before(caption) + Whitespace.stripTrailing(after(caption)) + " " + CAPTION + IMAGE);
  }

  /** The most tokens of a prompt and what continues it, also where the model does not say. */
  public int longest() {
    return contextLength.orElse(DEFAULT_CONTEXT);
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

  private static void requireOrder(String name, String prompt, String first, String second) {
    if (prompt.indexOf(second) < prompt.indexOf(first)) {
      throw new IllegalArgumentException(
          "prompts." + name + " must have " + second + " after " + first);
    }
  }
}
