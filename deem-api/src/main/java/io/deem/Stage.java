package io.deem;

/** The three stages in which a DEEM is trained (Luo et al. 2025); each has a recipe of its own. */
public enum Stage {
  /**
   * The language model stays as it is. Image encoder, resampler and cross-attention learn from
   * captioned images and interleaved documents, with the diffusion model's feedback.
   */
  IMAGE_TEXT_ALIGNMENT("image-text alignment"),
  /** The language model learns to answer about images; the encoder stays as it is. */
  IMAGE_TEXT_TUNING("image-text tuning"),
  /** As {@link #IMAGE_TEXT_TUNING}, with parts of images marked by masks. */
  MASK_TEXT_TUNING("mask-text tuning");

  private final String title;

  Stage(String title) {
    this.title = title;
  }

  /** Its name in progress and reports. */
  public String title() {
    return title;
  }
}
