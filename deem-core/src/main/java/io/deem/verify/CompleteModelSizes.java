package io.deem.verify;

import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.MmfsNet;
import io.deem.model.PerceiverResampler;
import io.deem.model.UNet;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;

/**
 * The sizes of the visual parts of a fixture that holds a complete, reduced model. What its
 * configuration leaves out is told by the shapes of its weights.
 *
 * @param dims the configuration's {@code dims}
 * @param resampler the configuration's {@code visual_tokenizer.perceiver_config}
 * @param imageSide side of the images that the denoiser makes, in pixels
 * @param weights under the names of a complete model
 */
public record CompleteModelSizes(Sizes dims, Sizes resampler, int imageSide, TensorSource weights) {

  public static final String TOKENIZER = "visual_tokenizer.";
  public static final String SNIFFER = TOKENIZER + "sniffer.";
  public static final String RESAMPLER = TOKENIZER + "perceiver_resampler.";
  public static final String VAE = TOKENIZER + "encoder.vae.";
  public static final String UNET = TOKENIZER + "encoder.unet.";
  public static final String RESIDUALS = TOKENIZER + "encoder.mmfs_module.";

  /**
   * Groups of the norms of the reduced models, which no shape tells, where {@code dims} has no
   * {@code norm_num_groups}; Stable Diffusion has 32.
   */
  private static final int GROUPS = 4;

  /** SPEC section 7; {@code scaling_factor} in {@code dims} where it is another. */
  private static final double SCALING = 0.18215;

  /** SPEC section 3: what the reference has where its configuration says nothing. */
  private static final int RESAMPLER_HIDDEN = 3072;

  private static final int RESAMPLER_FREQUENCY = 2;
  private static final double RESAMPLER_EPSILON = 1e-12;

  /** SPEC section 6: the UNet's norms. */
  private static final double UNET_EPSILON = 1e-5;

  /** SPEC section 2: the image encoder's norms. */
  private static final double SNIFFER_EPSILON = 1e-6;

  /**
   * Sides of the maps that the residuals' offsets are measured in, for images of full size: always
   * these, whatever the maps' own sizes (SPEC section 6).
   */
  private static final List<Integer> FULL_MAPS = List.of(64, 32, 16, 8);

  private static final int FULL_IMAGE = 512;

  /** The image encoder. */
  public ConvNextEncoder.Config sniffer() {
    String trunk = SNIFFER + "vision_model.visual.trunk.stages.0.blocks.0.";
    String head = SNIFFER + "vision_model.visual.head.mlp.fc2.weight";
    return new ConvNextEncoder.Config(
        dims.integers("CDEPTHS"),
        dims.integers("CDIMS"),
        extent(trunk + "conv_dw.weight", 3),
        weights.contains(trunk + "gamma"),
        dims.integer("ED"),
        weights.contains(head) ? extent(head, 0) : 0,
        SNIFFER_EPSILON);
  }

  /** The visual resampler. */
  public PerceiverResampler.Config visualResampler() {
    return resampler(resampler);
  }

  /** A resampler of a configuration's {@code perceiver_config}. */
  static PerceiverResampler.Config resampler(Sizes sizes) {
    return new PerceiverResampler.Config(
        sizes.integer("num_queries"),
        sizes.integer("hidden_size"),
        sizes.integer("encoder_hidden_size"),
        sizes.integer("intermediate_size", RESAMPLER_HIDDEN),
        sizes.integer("num_hidden_layers"),
        sizes.integer("num_attention_heads"),
        sizes.integer("cross_attention_frequency", RESAMPLER_FREQUENCY),
        sizes.flag("qk_normalization", false),
        sizes.number("layer_norm_eps", RESAMPLER_EPSILON));
  }

  /** The autoencoder. */
  public AutoencoderKl.Config autoencoder() {
    String levels = VAE + "encoder.down_blocks.";
    List<Integer> widths = new ArrayList<>();
    for (int i = 0; i < count(levels, ".resnets.0.conv1.weight"); i++) {
      widths.add(extent(levels + i + ".resnets.0.conv1.weight", 0));
    }
    return new AutoencoderKl.Config(
        extent(VAE + "encoder.conv_in.weight", 1),
        extent(VAE + "decoder.conv_out.weight", 0),
        extent(VAE + "decoder.conv_in.weight", 1),
        widths,
        count(levels + "0.resnets.", ".conv1.weight"),
        groups(),
        dims.number("scaling_factor", SCALING));
  }

  /** The denoiser. */
  public UNet.Config denoiser() {
    String levels = UNET + "down_blocks.";
    String attention = ".attentions.0.transformer_blocks.0.attn2.to_k.weight";
    List<Integer> widths = dims.integers("UCH");
    List<Boolean> attending = new ArrayList<>();
    for (int i = 0; i < widths.size(); i++) {
      attending.add(weights.contains(levels + i + attention));
    }
    return new UNet.Config(
        extent(UNET + "conv_in.weight", 1),
        extent(UNET + "conv_out.weight", 0),
        widths,
        dims.integers("UHD"),
        attending,
        extent(UNET + "mid_block" + attention, 1),
        count(levels + "0.resnets.", ".conv1.weight"),
        groups(),
        UNET_EPSILON);
  }

  /** The multi-scale residuals into the denoiser. */
  public MmfsNet.Config residuals() {
    String layer = RESIDUALS + "mmfs_down_blocks.0.mmfs.";
    int heads = dims.integer("AHEADS");
    UNet.Config unet = denoiser();
    return new MmfsNet.Config(
        unet.blockOutChannels(),
        unet.layersPerBlock(),
        dims.integer("ED"),
        dims.integer("ADIM"),
        heads,
        extent(layer + "sampling_offsets.weight", 0) / (2 * heads),
        extent(layer + "query_relpos.weight", 0),
        FULL_IMAGE / imageSide,
        FULL_MAPS);
  }

  private int groups() {
    return dims.integer("norm_num_groups", GROUPS);
  }

  /** The extent of one axis of a weight. */
  public int extent(String weight, int axis) {
    return Math.toIntExact(weights.info(weight).shape()[axis]);
  }

  /** How many weights are named {@code before + i + after}, from 0 on. */
  private int count(String before, String after) {
    int count = 0;
    while (weights.contains(before + count + after)) {
      count++;
    }
    return count;
  }
}
