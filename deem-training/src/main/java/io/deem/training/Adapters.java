package io.deem.training;

import io.deem.lora.LowRankAdaptation;
import io.deem.model.Freezing;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Low-rank adapters in place of whole matrices (Hu et al. 2021, "LoRA"): the adapted layers'
 * weights stay as they are and two thin factors of each learn.
 *
 * @param rank of the change of each layer, at least 1
 * @param alpha the change is multiplied by {@code alpha / rank}
 * @param dropout share of the change's input that is zero in training, from 0 to less than 1
 * @param layers a regular expression that is found in the names of the adapted layers, such as
 *     {@code self_attn\\.[qv]_proj$}; any linear layer but the autoencoder's can be adapted
 */
public record Adapters(int rank, double alpha, double dropout, String layers) {

  private static final String LANGUAGE_MODEL = "^mm_decoder\\.layers\\.\\d+\\.(self_attn|mlp)\\.";

  /** Checks the entries. */
  public Adapters {
    try {
      Pattern.compile(layers);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "adapters.layers is no regular expression: " + e.getDescription(), e);
    }
    new LowRankAdaptation(rank, alpha, dropout, name -> true);
  }

  /** Of the linear layers of the language model's attention and MLPs, with alpha = rank. */
  public static Adapters ofLanguageModel(int rank) {
    return new Adapters(rank, rank, 0.05, LANGUAGE_MODEL);
  }

  /** The adaptation. */
  public LowRankAdaptation adaptation() {
    Predicate<String> found = Pattern.compile(layers).asPredicate();
    return new LowRankAdaptation(
        rank,
        alpha,
        dropout,
        layer -> found.test(layer) && !Freezing.neverLearns(layer + ".weight"));
  }
}
