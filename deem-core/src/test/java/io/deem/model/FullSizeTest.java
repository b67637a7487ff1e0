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
   * The paper says that 494.9 million are trained in the first stage. By the reference's rule they
   * are 494.78 million. The condition of nothing, {@code neg_prompt_embeds}, is in its state dict
   * under two names; counted twice it makes the paper's number to the digit that is printed.
   */
  @Test
  void theFirstStageTrainsWhatThePaperSays() {
    long trained = count(ModelPart::trainedInStageOne);
    assertEquals(494_778_830L, trained);
    long twice = count(name -> name.endsWith("neg_prompt_embeds"));
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
