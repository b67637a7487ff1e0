package io.deem.model;

import io.deem.graph.Param;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;

/** The parts that a DEEM's parameters belong to, told by their names. */
public enum ModelPart {
  /** The ConvNeXt and its CLIP head, or the vision transformer. */
  IMAGE_ENCODER("image encoder", null),
  /** What gives the encoder maps at all strides, equally wide. */
  ENCODER_ADAPTER("encoder adapter", null),
  /** What reads the encoder's tokens. */
  VISUAL_RESAMPLER("visual resampler", "visual_tokenizer.perceiver_resampler."),
  /** Stable Diffusion's autoencoder. */
  AUTOENCODER("autoencoder", "visual_tokenizer.encoder.vae."),
  /** Stable Diffusion's UNet. */
  DENOISER("denoiser", "visual_tokenizer.encoder.unet."),
  /** The multi-scale residuals into the UNet. */
  DENOISER_RESIDUALS("denoiser residuals", "visual_tokenizer.encoder."),
  /** What joins the encoder, the resampler and the other models. */
  VISUAL_TOKENIZER("visual tokenizer", "visual_tokenizer."),
  /** The gated cross-attention to images in the language model's layers. */
  CROSS_ATTENTION("cross-attention", null),
  /** The LLaMA without its head. */
  LANGUAGE_MODEL("language model", "mm_decoder."),
  /** The LLaMA's head, and that of the added tokens. */
  TEXT_HEAD("text head", "text_decoder."),
  /** What reads the language model's output for the image decoder. */
  IMAGE_CONTEXT("image context", "");

  private static final String CROSS_ATTENTION_NAME = ".llama_cross_attn.";
  private static final String ENCODER = "visual_tokenizer.sniffer.";
  private static final Pattern ADAPTER =
      Pattern.compile(Pattern.quote(ENCODER + "vision_model.") + "(adapter_|(c[1-4]|fc)_proj\\.)");

  private final String title;
  private final String prefix;

  ModelPart(String title, String prefix) {
    this.title = title;
    this.prefix = prefix;
  }

  /** Its name in reports. */
  public String title() {
    return title;
  }

  /** The part that a parameter belongs to. */
  public static ModelPart of(String param) {
    if (param.contains(CROSS_ATTENTION_NAME)) {
      return CROSS_ATTENTION;
    }
    if (param.startsWith(ENCODER)) {
      return ADAPTER.matcher(param).lookingAt() ? ENCODER_ADAPTER : IMAGE_ENCODER;
    }
    return Arrays.stream(values())
        .filter(part -> part.prefix != null && param.startsWith(part.prefix))
        .findFirst()
        .get();
  }

  /** How many numbers each part learns, or has learnt; parts without any are left out. */
  public static Map<ModelPart, Long> count(Collection<Param> params) {
    Map<ModelPart, Long> counts = new EnumMap<>(ModelPart.class);
    for (Param param : params) {
      counts.merge(of(param.name()), elements(param), Long::sum);
    }
    return counts;
  }

  /**
   * Whether the paper's first stage, image-text alignment, trains a parameter: it freezes the
   * language model, its head, the diffusion model, all tables of positions, and what the denoiser's
   * residuals see where there is no image.
   */
  public static boolean trainedInStageOne(String param) {
    return switch (of(param)) {
      case LANGUAGE_MODEL, AUTOENCODER, DENOISER -> false;
      case TEXT_HEAD -> param.startsWith("text_decoder.head_new.");
      case DENOISER_RESIDUALS -> !param.endsWith(".pos_embed") && !param.endsWith(".ignore_token");
      default -> !param.endsWith(".pos_embed");
    };
  }

  private static long elements(Param param) {
    long elements = 1;
    for (long extent : param.shape().extents()) {
      elements = Math.multiplyExact(elements, extent);
    }
    return elements;
  }
}
