package io.deem.text.prompt;

import io.deem.generation.GenerationConfig;
import io.deem.portable.Whitespace;
import io.deem.random.RandomSource;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenBatch.Side;
import io.deem.text.prompt.PromptBatch.Objective;
import java.util.List;
import java.util.Map;

/** Images with captions, in both directions. */
public final class CaptionPrompts {

  private final PromptFormat format;

  /** Prepares prompts of a model. */
  public CaptionPrompts(PromptFormat format) {
    this.format = format;
  }

  /** An image and what it shows. */
  public record Pair<I>(I image, String caption) {}

  /**
   * What is drawn in training.
   *
   * @param captionQuestions ways to ask for a description
   * @param imageQuestions ways to ask for an image
   * @param imageFirst probability that a batch asks for descriptions, in [0, 1]
   * @param unconditional probability that an image is to be drawn without its description
   */
  public record Variety(
      List<String> captionQuestions,
      List<String> imageQuestions,
      double imageFirst,
      double unconditional) {

    /** Copies the lists. */
    public Variety {
      captionQuestions = List.copyOf(captionQuestions);
      imageQuestions = List.copyOf(imageQuestions);
    }
  }

  /** How descriptions are generated: five beams, eight to twenty tokens. */
  public static GenerationConfig.Builder generation() {
    return GenerationConfig.builder().maxNewTokens(20).minLength(8).lengthPenalty(1).numBeams(5);
  }

  /**
   * Pairs to learn from, all in the direction that is drawn first.
   *
   * @param random draws the direction, then for each pair its question, and whether an image is
   *     drawn without description before that
   */
  public <I> PromptBatch<I> train(List<Pair<I>> pairs, Variety variety, RandomSource random) {
    return random.uniform() < variety.imageFirst
        ? trainCaptions(pairs, variety, random)
        : trainImages(pairs, variety, random);
  }

  private <I> PromptBatch<I> trainCaptions(
      List<Pair<I>> pairs, Variety variety, RandomSource random) {
    PromptRows<I> rows = new PromptRows<>(format);
    for (Pair<I> pair : pairs) {
      String question = choice(variety.captionQuestions, random);
      String prompt =
          PromptTemplate.CAPTION_TRAINING.fill(
              Map.of("image", format.image(), "question", question));
      rows.addAnswered(prompt, " " + pair.caption + SpecialTokens.END, image(pair));
    }
    return rows.batch(Side.RIGHT, Objective.TEXT);
  }

  private <I> PromptBatch<I> trainImages(
      List<Pair<I>> pairs, Variety variety, RandomSource random) {
    PromptRows<I> rows = new PromptRows<>(format);
    for (Pair<I> pair : pairs) {
      String caption = random.uniform() < variety.unconditional ? "" : pair.caption;
      String question = choice(variety.imageQuestions, random);
      String prompt =
          PromptTemplate.IMAGE_TRAINING.fill(Map.of("question", question, "caption", caption));
      rows.add(prompt + " " + format.image() + SpecialTokens.END, 0, image(pair));
    }
    return rows.batch(Side.RIGHT, Objective.IMAGE);
  }

  /** Images to describe. */
  public <I> PromptBatch<I> evaluateCaptions(List<Pair<I>> pairs) {
    PromptRows<I> rows = new PromptRows<>(format);
    String prompt = PromptTemplate.CAPTION_EVALUATION.fill(Map.of("image", format.image()));
    pairs.forEach(pair -> rows.add(prompt, image(pair)));
    return rows.batch(Side.LEFT, Objective.TEXT);
  }

  /** Descriptions to draw. The images of the pairs stand where those to be drawn will be. */
  public <I> PromptBatch<I> evaluateImages(List<Pair<I>> pairs) {
    PromptRows<I> rows = new PromptRows<>(format);
    for (Pair<I> pair : pairs) {
      String prompt =
          PromptTemplate.IMAGE_EVALUATION.system()
              + " "
              + PromptTemplate.fill(
                  PromptTemplate.IMAGE_EVALUATION.user(), Map.of("caption", pair.caption))
              + " "
              + PromptTemplate.IMAGE_EVALUATION.assistant();
      String text = Whitespace.strip(prompt + " " + format.image());
      rows.add(
          text.replace(SpecialTokens.SNIFFER + " ", SpecialTokens.SNIFFER)
              .replace(" " + SpecialTokens.START_OF_IMAGE, SpecialTokens.START_OF_IMAGE),
          image(pair));
    }
    return rows.batch(Side.RIGHT, Objective.IMAGE);
  }

  /** The ids of an image without description, which guidance leads away from. */
  public long[] negativePrompt() {
    return format.tokenizer().encode(format.image());
  }

  private static <I> List<MaskedImage<I>> image(Pair<I> pair) {
    return List.of(MaskedImage.whole(pair.image));
  }

  private static String choice(List<String> questions, RandomSource random) {
    return questions.get(random.uniformInt(questions.size()));
  }
}
