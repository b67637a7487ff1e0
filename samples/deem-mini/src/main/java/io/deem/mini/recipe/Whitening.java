package io.deem.mini.recipe;

import io.deem.torch.TorchSession;

/**
 * Gives latents zero mean and unit covariance by changing the two 1x1 convolutions around them. A
 * diffusion model learns much faster on such latents, and its noise schedule fits them.
 *
 * <p>With the covariance {@code C = L L^T} (Cholesky), new latents are {@code L^-1 (z - mean)}.
 */
final class Whitening {

  private final int channels;
  private final double[] sum;
  private final double[][] products;
  private final double[] variance;
  private long count;

  Whitening(int channels) {
    this.channels = channels;
    this.sum = new double[channels];
    this.products = new double[channels][channels];
    this.variance = new double[channels];
  }

  /**
   * Gathers the statistics of a batch.
   *
   * @param mean of the latents, [batch, channels, places]
   * @param logvar logarithm of their variance, of the same shape
   */
  void add(float[] mean, float[] logvar, int places) {
    double[] z = new double[channels];
    for (int picture = 0; picture < mean.length; picture += channels * places) {
      for (int place = 0; place < places; place++) {
        for (int c = 0; c < channels; c++) {
          int at = picture + c * places + place;
          z[c] = mean[at];
          sum[c] += z[c];
          variance[c] += Math.exp(logvar[at]);
        }
        for (int i = 0; i < channels; i++) {
          for (int j = 0; j <= i; j++) {
            products[i][j] += z[i] * z[j];
          }
        }
        count++;
      }
    }
  }

  /** Folds the whitening into {@code quant_conv} and {@code post_quant_conv}. */
  void fold(TorchSession session, String prefix) {
    double[] mean = new double[channels];
    double[][] factor = new double[channels][channels];
    for (int i = 0; i < channels; i++) {
      mean[i] = sum[i] / count;
    }
    for (int i = 0; i < channels; i++) {
      for (int j = 0; j <= i; j++) {
        factor[i][j] = products[i][j] / count - mean[i] * mean[j] + (i == j ? 1e-6 : 0);
      }
    }
    cholesky(factor);
    double[][] inverse = inverse(factor);
    foldEncoder(session, prefix + "quant_conv.", inverse, mean);
    foldDecoder(session, prefix + "post_quant_conv.", factor, mean);
  }

  private void foldEncoder(TorchSession session, String name, double[][] inverse, double[] mean) {
    float[] weight = session.param(name + "weight").floats();
    float[] bias = session.param(name + "bias").floats();
    int in = weight.length / bias.length;
    float[] newWeight = new float[weight.length];
    float[] newBias = new float[bias.length];
    for (int i = 0; i < channels; i++) {
      double spread = 0;
      for (int k = 0; k <= i; k++) {
        for (int j = 0; j < in; j++) {
          newWeight[i * in + j] += (float) (inverse[i][k] * weight[k * in + j]);
        }
        newBias[i] += (float) (inverse[i][k] * (bias[k] - mean[k]));
        spread += inverse[i][k] * inverse[i][k] * variance[k] / count;
      }
      // Whitening mixes the channels' variances; what is left of them is their average.
      newBias[channels + i] = (float) Math.log(spread);
    }
    session.set(name + "weight", newWeight);
    session.set(name + "bias", newBias);
  }

  private void foldDecoder(TorchSession session, String name, double[][] factor, double[] mean) {
    float[] weight = session.param(name + "weight").floats();
    float[] bias = session.param(name + "bias").floats();
    float[] newWeight = new float[weight.length];
    float[] newBias = bias.clone();
    for (int i = 0; i < channels; i++) {
      for (int k = 0; k < channels; k++) {
        newBias[i] += (float) (weight[i * channels + k] * mean[k]);
        for (int j = 0; j <= k; j++) {
          newWeight[i * channels + j] += (float) (weight[i * channels + k] * factor[k][j]);
        }
      }
    }
    session.set(name + "weight", newWeight);
    session.set(name + "bias", newBias);
  }

  /** Replaces the lower triangle of a symmetric positive matrix by its Cholesky factor. */
  private static void cholesky(double[][] a) {
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j <= i; j++) {
        double rest = a[i][j];
        for (int k = 0; k < j; k++) {
          rest -= a[i][k] * a[j][k];
        }
        a[i][j] = i == j ? Math.sqrt(rest) : rest / a[j][j];
      }
    }
  }

  /** The inverse of a lower triangular matrix. */
  private static double[][] inverse(double[][] l) {
    double[][] inverse = new double[l.length][l.length];
    for (int j = 0; j < l.length; j++) {
      for (int i = j; i < l.length; i++) {
        double rest = i == j ? 1 : 0;
        for (int k = j; k < i; k++) {
          rest -= l[i][k] * inverse[k][j];
        }
        inverse[i][j] = rest / l[i][i];
      }
    }
    return inverse;
  }
}
