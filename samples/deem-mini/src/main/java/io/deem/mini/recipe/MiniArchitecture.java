package io.deem.mini.recipe;

import io.deem.model.AutoencoderKl;
import java.util.List;

/** The sizes of deem-mini. */
final class MiniArchitecture {

  /** Side of every picture, in pixels. */
  static final int CANVAS = 64;

  static final String AUTOENCODER = "visual_tokenizer.encoder.vae.";

  private MiniArchitecture() {}

  /** 64x64 pictures to latents of 8x8 with 32 channels. */
  static AutoencoderKl autoencoder() {
    return new AutoencoderKl(
        new AutoencoderKl.Config(3, 3, 32, List.of(8, 16, 32, 64), 1, 4, 1.0), AUTOENCODER);
  }
}
