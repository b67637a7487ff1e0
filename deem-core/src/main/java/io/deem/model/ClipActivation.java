package io.deem.model;

import io.deem.graph.Tensor;

/** What bends the feed-forward networks of a CLIP. */
public enum ClipActivation {
  /** OpenAI's models: {@code x * sigmoid(1.702 x)}. */
  QUICK_GELU,
  /** Stable Diffusion 2.1 and open_clip: the exact Gaussian error linear unit. */
  GELU;

  /**
   * The activation that a {@code config.json} names.
   *
   * @param hiddenAct {@code quick_gelu} or {@code gelu}
   * @throws IllegalArgumentException for any other name
   */
  public static ClipActivation named(String hiddenAct) {
    return switch (hiddenAct) {
      case "quick_gelu" -> QUICK_GELU;
      case "gelu" -> GELU;
      default ->
          throw new IllegalArgumentException(
              "hidden_act must be quick_gelu or gelu, not " + hiddenAct);
    };
  }

  Tensor apply(Tensor x) {
    return this == GELU ? x.gelu() : x.quickGelu();
  }
}
