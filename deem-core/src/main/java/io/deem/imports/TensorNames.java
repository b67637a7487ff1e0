package io.deem.imports;

import io.deem.weights.TensorSource;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the tensors of each kind of checkpoint are called in a DEEM. Null where it has none. */
final class TensorNames {

  static final String EMBEDDINGS = "mm_decoder.embed_tokens.weight";
  static final String HEAD = "text_decoder.head.weight";
  static final String SNIFFER = "visual_tokenizer.sniffer.vision_model.";

  /** The one table of an encoder that has another size for images of another size. */
  static final String POSITIONS = SNIFFER + "embeddings.position_embedding.weight";

  private static final Pattern IN_PROJECTION =
      Pattern.compile("attn\\.in_proj_(weight|bias)\\[(query|key|value)\\]");

  private static final String UNET = "visual_tokenizer.encoder.unet.";
  private static final String VAE = "visual_tokenizer.encoder.vae.";
  private static final String NEGATIVE = "image_decoder.neg_prompt_embeds";
  private static final String SAME_NEGATIVE = "visual_tokenizer.neg_prompt_embeds";

  /** Put before every name by PyTorch's data parallel wrapper. */
  private static final String WRAPPER = "module.";

  private TensorNames() {}

  static String llama(String name) {
    if (name.equals("lm_head.weight")) {
      return HEAD;
    }
    return name.startsWith("model.") ? "mm_decoder." + name.substring("model.".length()) : null;
  }

  /** An image encoder's: a ConvNeXt's of open_clip, or a vision transformer's in either layout. */
  static String encoder(String name) {
    String plain = unwrapped(name);
    if (plain.startsWith(SNIFFER)) {
      return plain;
    }
    if (plain.startsWith("vision_model.")) {
      return SNIFFER + plain.substring("vision_model.".length());
    }
    if (!plain.startsWith("visual.")) {
      return null;
    }
    boolean convNext = plain.startsWith("visual.trunk.") || plain.startsWith("visual.head.");
    return SNIFFER + (convNext ? plain : transformer(plain.substring("visual.".length())));
  }

  /**
   * Of a vision transformer of open_clip, whose projections are apart, in Hugging Face's layout.
   */
  private static String transformer(String name) {
    String layers = "transformer.resblocks.";
    if (name.startsWith(layers)) {
      String own = name.substring(layers.length());
      Matcher found = IN_PROJECTION.matcher(own);
      String named =
          found.find()
              ? own.substring(0, found.start())
                  + "self_attn."
                  + found.group(2).charAt(0)
                  + "_proj."
                  + found.group(1)
                  + own.substring(found.end())
              : own;
      return "encoder.layers."
          + named
              .replace(".attn.", ".self_attn.")
              .replace(".ln_", ".layer_norm")
              .replace(".c_fc.", ".fc1.")
              .replace(".c_proj.", ".fc2.");
    }
    return switch (name) {
      case "class_embedding" -> "embeddings.class_embedding";
      case "positional_embedding" -> "embeddings.position_embedding.weight";
      case "conv1.weight" -> "embeddings.patch_embedding.weight";
      case "ln_pre.weight", "ln_pre.bias" -> name.replace("ln_pre", "pre_layrnorm");
      default -> "visual." + name;
    };
  }

  static String unet(String name) {
    return UNET + name;
  }

  /** The autoencoder's; its attention has other names in the checkpoints that are public. */
  static String autoencoder(String name) {
    if (!name.contains(".attentions.")) {
      return VAE + name;
    }
    return VAE
        + name.replace(".query.", ".to_q.")
            .replace(".key.", ".to_k.")
            .replace(".value.", ".to_v.")
            .replace(".proj_attn.", ".to_out.0.");
  }

  static String state(String name, TensorSource state) {
    String plain = unwrapped(name);
    if (plain.equals(SAME_NEGATIVE)) {
      // One tensor under two names.
      return state.contains(name.replace(SAME_NEGATIVE, NEGATIVE)) ? null : NEGATIVE;
    }
    return plain.startsWith(VAE) ? autoencoder(plain.substring(VAE.length())) : plain;
  }

  private static String unwrapped(String name) {
    return name.startsWith(WRAPPER) ? name.substring(WRAPPER.length()) : name;
  }
}
