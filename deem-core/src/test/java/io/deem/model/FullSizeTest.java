package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.deem.graph.Param;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The published sizes of the networks that the paper assembles, to the last number. */
class FullSizeTest {

  private static final int ADDED_TOKENS = 6;
  private static final int WIDTH = 4096;

  private final List<Param> params = new DeemNetwork(FullSize.architecture()).params();
  private final Map<ModelPart, Long> parts = ModelPart.count(params);

  @Test
  void theLanguageModelIsVicuna() {
    long tables = 2L * ADDED_TOKENS * WIDTH;
    long headBias = 32_000 + ADDED_TOKENS;
    long headOfAdded = ADDED_TOKENS * (WIDTH + 1L);
    assertEquals(
        6_738_415_616L,
        parts.get(ModelPart.LANGUAGE_MODEL)
            + parts.get(ModelPart.TEXT_HEAD)
            - tables
            - headBias
            - headOfAdded);
  }

  @Test
  void theImageDecoderIsStableDiffusion() {
    assertEquals(865_910_724L, parts.get(ModelPart.DENOISER));
    assertEquals(83_653_863L, parts.get(ModelPart.AUTOENCODER));
  }

  /** The 88.6 million of a ConvNeXt-B count a classifier of 1,000 classes, which a CLIP lacks. */
  @Test
  void theImageEncoderIsConvNextBase() {
    long classifier = 1_000 * (1_024 + 1L);
    assertEquals(88_591_464L, count(name -> name.contains(".visual.trunk.")) + classifier);
  }

  /**
   * The paper says that 494.9 million are trained in the first stage. By the reference's rule,
   * whose lists of names the fixture {@code deem_full} holds, they are 494,778,830, which rounds to
   * 494.8. To print 494.9 it takes 71,170 to 171,169 more. {@code neg_prompt_embeds} is 77 x 1,024
   * = 78,848, and the reference has it twice, as a parameter of the visual tokenizer and of the
   * image decoder: whoever adds up what these parts train counts it twice, 494,857,678. What else
   * might be taken for trained is too small even together (six rows of embeddings 24,576, the
   * head's bias 32,006, the residuals' tokens for no image 13,312: 69,894) or too large (the table
   * of positions 263,168).
   */
  @Test
  void theFirstStageTrainsWhatThePaperSays() {
    long trained = count(ModelPart::trainedInStageOne);
    assertEquals(494_778_830L, trained);
    long twice = count(name -> name.endsWith("neg_prompt_embeds"));
    assertEquals(77 * 1_024, twice);
    assertEquals("494.8", String.format(java.util.Locale.ROOT, "%.1f", trained / 1e6));
    assertEquals(13_312, count(name -> name.contains("mmfs") && name.endsWith(".ignore_token")));
    assertEquals(263_168, count(name -> name.equals("visual_tokenizer.pos_embed")));
    assertEquals("494.9", String.format(java.util.Locale.ROOT, "%.1f", (trained + twice) / 1e6));
  }

  @Test
  void everyPartHasParameters() {
    assertEquals(ModelPart.values().length, parts.size());
    long all = parts.values().stream().mapToLong(Long::longValue).sum();
    assertEquals(all, count(name -> true));
  }

  private long count(Predicate<String> chosen) {
    return ModelPart.count(params.stream().filter(param -> chosen.test(param.name())).toList())
        .values()
        .stream()
        .mapToLong(Long::longValue)
        .sum();
  }
}
