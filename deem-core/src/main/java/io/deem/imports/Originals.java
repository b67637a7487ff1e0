package io.deem.imports;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The checkpoints to make a model of.
 *
 * @param llama folder of a LLaMA or Vicuna in Hugging Face's layout: {@code config.json}, {@code
 *     tokenizer.json} and weights
 * @param encoder weights of an open_clip ConvNeXt or of a CLIP vision transformer (Hugging Face's
 *     layout, with its {@code config.json}, or open_clip's, with its {@code
 *     open_clip_config.json}), or the folder that holds them; not needed where {@code state} has an
 *     encoder
 * @param stableDiffusion folder in diffusers' layout: {@code unet/}, {@code vae/}, {@code
 *     scheduler/}
 * @param state the state dict of a trained DEEM, whose tensors win over all others
 * @param architecture a {@code deem.json} whose architecture and prompts to use in place of the
 *     paper's
 */
public record Originals(
    Path llama,
    Optional<Path> encoder,
    Path stableDiffusion,
    Optional<Path> state,
    Optional<Path> architecture) {

  /** A new model around three checkpoints, with the paper's sizes. */
  public static Originals of(Path llama, Path encoder, Path stableDiffusion) {
    return new Originals(
        llama, Optional.of(encoder), stableDiffusion, Optional.empty(), Optional.empty());
  }

  /** The same with the state dict of a trained DEEM. */
  public Originals withState(Path stateDict) {
    return new Originals(llama, encoder, stableDiffusion, Optional.of(stateDict), architecture);
  }

  /** The same with an architecture. */
  public Originals withArchitecture(Path description) {
    return new Originals(llama, encoder, stableDiffusion, state, Optional.of(description));
  }
}
