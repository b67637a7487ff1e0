package io.deem.training.verify;

import io.deem.model.AutoencoderKl;
import io.deem.model.ClipActivation;
import io.deem.model.ClipTextEncoder;
import io.deem.model.OpenClipVit;
import io.deem.model.UNet;
import io.deem.verify.Sizes;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;

/**
 * The sizes of a fixture of DIVA. What its configuration leaves out is told by the shapes of its
 * weights, and what those leave open too by the reference's reduced Stable Diffusion.
 *
 * @param dims the configuration's {@code dims}
 * @param weights under DIVA's names
 */
record DivaSizes(Sizes dims, TensorSource weights) {

  /** Of the norms and attention of the reduced Stable Diffusion, which no shape tells. */
  private static final int GROUPS = 4;

  private static final int TEXT_HEADS = 4;
  private static final List<Integer> UNET_HEADS = List.of(1, 2, 2, 4);
  private static final double SCALING = 0.18215;

  /** The image encoder whose names start with {@code visual}. */
  OpenClipVit.Config clip(String visual) {
    String layers = visual + "transformer.resblocks.";
    return new OpenClipVit.Config(
        dims.integer("clip_image"),
        dims.integer("clip_patch"),
        dims.integer("clip_width"),
        extent(layers + "0.mlp.c_fc.weight", 0),
        dims.integer("clip_layers"),
        dims.integer("clip_heads"),
        dims.integer("clip_embed"),
        // All that DIVA trains: OpenAI's, and DFN and MetaCLIP in their "quickgelu" form.
        ClipActivation.QUICK_GELU);
  }

  /** The text encoder of Stable Diffusion. */
  ClipTextEncoder.Config text() {
    String model = "text_encoder.text_model.";
    String words = model + "embeddings.token_embedding.weight";
    return new ClipTextEncoder.Config(
        extent(words, 0),
        extent(model + "embeddings.position_embedding.weight", 0),
        extent(words, 1),
        extent(model + "encoder.layers.0.mlp.fc1.weight", 0),
        count(model + "encoder.layers.", ".mlp.fc1.weight"),
        optional("text_heads", TEXT_HEADS),
        ClipActivation.GELU,
        1e-5);
  }

  /** The autoencoder. */
  AutoencoderKl.Config autoencoder() {
    String levels = "vae.encoder.down_blocks.";
    List<Integer> widths = new ArrayList<>();
    for (int i = 0; i < count(levels, ".resnets.0.conv1.weight"); i++) {
      widths.add(extent(levels + i + ".resnets.0.conv1.weight", 0));
    }
    return new AutoencoderKl.Config(
        extent("vae.encoder.conv_in.weight", 1),
        extent("vae.decoder.conv_out.weight", 0),
        extent("vae.decoder.conv_in.weight", 1),
        widths,
        count(levels + "0.resnets.", ".conv1.weight"),
        optional("norm_num_groups", GROUPS),
        SCALING);
  }

  /** The denoiser. */
  UNet.Config denoiser() {
    String levels = "unet.down_blocks.";
    String attention = ".attentions.0.transformer_blocks.0.attn2.to_k.weight";
    List<Integer> widths = new ArrayList<>();
    List<Boolean> attending = new ArrayList<>();
    for (int i = 0; i < count(levels, ".resnets.0.conv1.weight"); i++) {
      widths.add(extent(levels + i + ".resnets.0.conv1.weight", 0));
      attending.add(weights.contains(levels + i + attention));
    }
    return new UNet.Config(
        extent("unet.conv_in.weight", 1),
        extent("unet.conv_out.weight", 0),
        widths,
        dims.config().has("unet_heads") ? dims.integers("unet_heads") : UNET_HEADS,
        attending,
        dims.integer("context_dim"),
        count(levels + "0.resnets.", ".conv1.weight"),
        optional("norm_num_groups", GROUPS),
        1e-5);
  }

  /** The extent of one axis of a weight. */
  int extent(String weight, int axis) {
    return Math.toIntExact(weights.info(weight).shape()[axis]);
  }

  private int optional(String name, int otherwise) {
    return dims.config().has(name) ? dims.integer(name) : otherwise;
  }

  private int count(String before, String after) {
    int count = 0;
    while (weights.contains(before + count + after)) {
      count++;
    }
    return count;
  }
}
