package io.deem;

import java.util.Locale;

/** How a diffusion model's feedback on images alone teaches an image encoder. */
public enum AlignmentStrategy {
  /**
   * DEEM's consistency loss (Luo et al. 2025): what the encoder and the resampler make of an image
   * is the condition on which the model's own frozen diffusion model denoises it. The encoder, the
   * resampler and the projection to the condition move.
   */
  DEEM,
  /**
   * DIVA's scheme (Wang et al. 2025): the class token and a random half of the local tokens are the
   * condition, through a projection that is thrown away afterwards. The encoder moves.
   */
  DIVA,
  /**
   * GenHancer's scheme (Ma et al. 2025): a small denoiser learns from scratch to draw images from
   * the class token alone; then low-rank adapters of the encoder's linear layers, and those layers'
   * biases, learn from its error. The denoiser is thrown away, the adapters are merged.
   */
  GENHANCER;

  /**
   * The strategy of a name.
   *
   * @param name {@code deem}, {@code diva} or {@code genhancer}, in any case
   * @throws IllegalArgumentException for any other name
   */
  public static AlignmentStrategy named(String name) {
    for (AlignmentStrategy strategy : values()) {
      if (strategy.name().equalsIgnoreCase(name)) {
        return strategy;
      }
    }
    throw new IllegalArgumentException(
        "strategy must be deem, diva or genhancer, not '" + name + "'");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
