package io.deem.image;

/**
 * Shifts and scales each colour channel to what a network was trained on: (x - mean) / deviation.
 *
 * @param mean of red, green and blue
 * @param deviation of red, green and blue, not zero
 */
public record Normalization(float[] mean, float[] deviation) {
  /** That of CLIP's image encoders. */
  public static final Normalization CLIP =
      new Normalization(
          new float[] {0.48145467f, 0.4578275f, 0.40821072f},
          new float[] {0.26862955f, 0.2613026f, 0.2757771f});

  /** From 0..1 to -1..1, that of the diffusion autoencoder. */
  public static final Normalization SIGNED =
      new Normalization(new float[] {0.5f, 0.5f, 0.5f}, new float[] {0.5f, 0.5f, 0.5f});

  /** Copies the arrays, so that the record stays immutable, and checks their length. */
  public Normalization {
    if (mean.length != 3 || deviation.length != 3) {
      throw new IllegalArgumentException(
          "normalisation needs 3 means and 3 deviations, was given "
              + mean.length
              + " and "
              + deviation.length);
    }
    mean = mean.clone();
    deviation = deviation.clone();
  }

  @Override
  public float[] mean() {
    return mean.clone();
  }

  @Override
  public float[] deviation() {
    return deviation.clone();
  }

  /**
   * Normalises planes.
   *
   * @param planes [3, height, width] or several such one after the other
   * @param pixels height times width
   * @return a new array
   * @throws IllegalArgumentException if the array does not hold whole images
   */
  public float[] apply(float[] planes, int pixels) {
    if (pixels <= 0 || planes.length % (3L * pixels) != 0) {
      throw new IllegalArgumentException(
          planes.length + " values are no whole number of images of " + pixels + " pixels");
    }
    float[] normalised = new float[planes.length];
    for (int i = 0; i < planes.length; i++) {
      int channel = i / pixels % 3;
      normalised[i] = (planes[i] - mean[channel]) / deviation[channel];
    }
    return normalised;
  }
}
