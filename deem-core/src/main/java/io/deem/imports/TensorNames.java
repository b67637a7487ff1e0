package io.deem.imports;

import io.deem.weights.TensorSource;

/** What the tensors of each kind of checkpoint are called in a DEEM. Null where it has none. */
final class TensorNames {

  static final String EMBEDDINGS = "mm_decoder.embed_tokens.weight";
  static final String HEAD = "text_decoder.head.weight";
  static final String SNIFFER = "visual_tokenizer.sniffer.vision_model.";

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

  static String encoder(String name) {
    String plain = unwrapped(name);
    return plain.startsWith("visual.") ? SNIFFER + plain : null;
  }

  /** What stands before {@code visual.} in the names of an encoder's weights. */
  static String encoderPrefix(TensorSource weights) {
    for (String prefix : new String[] {SNIFFER, WRAPPER + SNIFFER, WRAPPER}) {
      if (weights.contains(prefix + OriginalArchitecture.FIRST_BLOCK + "conv_dw.weight")) {
        return prefix;
      }
    }
    return "";
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
