package io.deem.model;

import java.util.function.Predicate;

/**
 * Which parameters of a DEEM learn, by their names. Some never do: the autoencoder, tables of
 * positions, the language model's own output layer, and the tokens that the residuals into the UNet
 * attend to where there is no image.
 *
 * @param languageModel whether the language model stays as it is, but for its cross-attention to
 *     images
 * @param encoder whether the image encoder stays as it is, but for the layers that adapt its output
 * @param denoiser whether the UNet stays as it is; the residuals into it learn all the same
 */
public record Freezing(boolean languageModel, boolean encoder, boolean denoiser)
    implements Predicate<String> {

  /** The first stage of the paper: the language model and the UNet stay. */
  public static final Freezing PRETRAINING = new Freezing(true, false, true);

  /** All three stay. */
  public static final Freezing EVERYTHING = new Freezing(true, true, true);

  /** None of the three stays. */
  public static final Freezing NOTHING = new Freezing(false, false, false);

  private static final String ENCODER = "visual_tokenizer.sniffer.";

  /** Whether a parameter learns. */
  @Override
  public boolean test(String name) {
    if (neverLearns(name)) {
      return false;
    }
    boolean ofLanguageModel = name.startsWith("mm_decoder.") && !name.contains("llama_cross_attn");
    boolean ofEncoder = name.startsWith(ENCODER) && !name.contains(".adapter");
    boolean ofDenoiser = name.contains(".encoder.unet.");
    return !((languageModel && ofLanguageModel)
        || (encoder && ofEncoder)
        || (denoiser && ofDenoiser));
  }

  /** Whether a parameter stays as it is in every stage. */
  public static boolean neverLearns(String name) {
    return name.contains(".encoder.vae.")
        || name.endsWith("pos_embed")
        || name.startsWith("text_decoder.head.")
        || (name.contains(".mmfs_module.") && name.endsWith(".ignore_token"))
        || name.endsWith(".clip_mean")
        || name.endsWith(".clip_std");
  }

  /**
   * Whether a parameter belongs to a layer norm over the last axis, which weight decay leaves
   * alone. The norms of LLaMA and group norms are none.
   */
  public static boolean inLayerNorm(String name) {
    int end = name.lastIndexOf('.');
    String owner = name.substring(0, Math.max(0, end));
    String layer = owner.substring(owner.lastIndexOf('.') + 1);
    return switch (layer) {
      case "LayerNorm",
          "layernorm",
          "layer_norm1",
          "layer_norm2",
          "pre_layrnorm",
          "ffn_norm",
          "q_norm",
          "k_norm",
          "query_norm",
          "feat_norm",
          "pos_ln",
          "post_ln" ->
          true;
      case "norm1", "norm2", "norm3" -> owner.contains(".transformer_blocks.");
      case "norm" -> owner.startsWith(ENCODER);
      case "0" -> owner.startsWith(ENCODER) && owner.endsWith(".downsample.0");
      case "1" -> owner.startsWith(ENCODER) && owner.endsWith(".trunk.stem.1");
      default -> false;
    };
  }
}
