package io.deem;

/**
 * How well an image can be redrawn from what the encoder saw.
 *
 * @param loss mean squared error of the denoiser when it is told what the encoder saw; smaller is
 *     better
 * @param blindLoss the same when it is told nothing
 * @param gain {@code 1 - loss / blindLoss}: the share of the denoiser's error that seeing removes;
 *     0 means that the encoder saw nothing of use
 */
public record Fidelity(double loss, double blindLoss, double gain) {

  /** A fidelity from its two losses. */
  public static Fidelity of(double loss, double blindLoss) {
    return new Fidelity(loss, blindLoss, 1 - loss / blindLoss);
  }
}
