package io.deem.mini.recipe;

import io.deem.diffusion.PredictionType;
import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.MmfsNet;
import io.deem.model.PerceiverResampler;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import java.util.List;

/** The sizes of deem-mini, and the parts of it that stages train by themselves. */
final class MiniArchitecture {

  /** Side of every picture, in pixels. */
  static final int CANVAS = 64;

  /** Side of the grid of visual tokens; each stands for a cell of the picture. */
  static final int GRID = 4;

  /** Width of the language model, stories15M's. */
  static final int LANGUAGE_WIDTH = 288;

  /** Width of the encoder's maps. */
  static final int ENCODER_WIDTH = 144;

  /** Width of the diffusion model's condition. */
  static final int CONDITION_WIDTH = 128;

  static final int ORIGINAL_VOCABULARY = 32_000;
  static final String AUTOENCODER = "visual_tokenizer.encoder.vae.";

  private static final int ADDED_TOKENS = 6;
  private static final int TOKENS_PER_IMAGE = GRID * GRID;
  private static final List<Integer> DENOISER_WIDTHS = List.of(64, 128);

  private static final InterleavedBatch.Special SPECIAL =
      new InterleavedBatch.Special(1, 2, 31_999, 32_000, 32_001, TOKENS_PER_IMAGE);

  private MiniArchitecture() {}

  /** The whole model. */
  static DeemConfig config() {
    return config(
        new ConvNextEncoder.Config(
            List.of(2, 2, 4, 2), List.of(48, 96, 192, 288), 7, true, ENCODER_WIDTH, 0, 1e-6));
  }

  /** The whole model with another image encoder, of the same {@link #ENCODER_WIDTH}. */
  static DeemConfig config(ConvNextEncoder.Config encoder) {
    return new DeemConfig(
        CANVAS,
        CANVAS,
        SPECIAL,
        ORIGINAL_VOCABULARY,
        encoder,
        new PerceiverResampler.Config(
            TOKENS_PER_IMAGE, LANGUAGE_WIDTH, ENCODER_WIDTH, 576, 2, 6, 1, true, 1e-12),
        new VisualTokenizer.Config(GRID, LANGUAGE_WIDTH, CONDITION_WIDTH),
        new LlamaDecoder.Config(
            ORIGINAL_VOCABULARY + ADDED_TOKENS,
            LANGUAGE_WIDTH,
            768,
            6,
            6,
            6,
            1e-5,
            10_000,
            3,
            ENCODER_WIDTH,
            List.of(8, 4, 2)),
        new PerceiverResampler.Config(
            TOKENS_PER_IMAGE, CONDITION_WIDTH, LANGUAGE_WIDTH, 256, 1, 4, 1, false, 1e-12),
        autoencoder().config(),
        denoiser().config(),
        new MmfsNet.Config(
            DENOISER_WIDTHS, 1, ENCODER_WIDTH, 64, 4, 4, 4, 8, List.of(64, 32, 16, 8)),
        PredictionType.V_PREDICTION);
  }

  /** 64x64 pictures to latents of 8x8 with 32 channels. */
  static AutoencoderKl autoencoder() {
    return new AutoencoderKl(
        new AutoencoderKl.Config(3, 3, 32, List.of(8, 16, 32, 64), 1, 4, 1.0), AUTOENCODER);
  }

  /** The UNet, which the image prior trains before the rest is there. */
  static UNet denoiser() {
    return new UNet(
        new UNet.Config(
            32,
            32,
            DENOISER_WIDTHS,
            List.of(2, 4),
            List.of(true, true),
            CONDITION_WIDTH,
            1,
            16,
            1e-5),
        "visual_tokenizer.encoder.unet.");
  }

  /** The whole model, ready to run. */
  static DeemNetwork network() {
    return new DeemNetwork(config());
  }
}
