package io.deem.training.evaluation;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A linear classifier of features that do not learn: how well it does says what the features tell
 * apart (Alain and Bengio 2016). Multinomial logistic regression on features of mean 0 and
 * deviation 1, with a penalty on the squares of its weights, at its one optimum.
 */
public final class LinearProbe {

  private static final int MOST_ITERATIONS = 500;
  private static final int POWER_ITERATIONS = 30;
  private static final double CONVERGED = 1e-4;

  private final float[] mean;
  private final float[] scale;
  private final int classes;

  /** [width + 1, classes], the last row for the constant. */
  private final float[] weights;

  private LinearProbe(float[] mean, float[] scale, int classes, float[] weights) {
    this.mean = mean;
    this.scale = scale;
    this.classes = classes;
    this.weights = weights;
  }

  /**
   * Trains a classifier.
   *
   * @param features [items][width], at least one item
   * @param labels of the items, from 0 to {@code classes - 1}
   * @param penalty half of what a squared weight costs, more than 0
   */
  public static LinearProbe train(float[][] features, int[] labels, int classes, double penalty) {
    if (features.length == 0 || features.length != labels.length) {
      throw new IllegalArgumentException(
          features.length + " items with features, " + labels.length + " with labels");
    }
    if (!(penalty > 0)) {
      throw new IllegalArgumentException("the penalty must be more than 0, not " + penalty);
    }
    for (int label : labels) {
      if (label < 0 || label >= classes) {
        throw new IllegalArgumentException("a label " + label + " of " + classes + " classes");
      }
    }
    int width = features[0].length;
    float[] mean = new float[width];
    float[] scale = new float[width];
    moments(features, mean, scale);
    float[][] x =
        Arrays.stream(features)
            .map(item -> standardised(item, mean, scale))
            .toArray(float[][]::new);
    return new LinearProbe(mean, scale, classes, optimum(x, labels, classes, penalty));
  }

  private static void moments(float[][] features, float[] mean, float[] scale) {
    for (int k = 0; k < mean.length; k++) {
      double sum = 0;
      double squares = 0;
      for (float[] item : features) {
        sum += item[k];
        squares += (double) item[k] * item[k];
      }
      double middle = sum / features.length;
      double variance = squares / features.length - middle * middle;
      mean[k] = (float) middle;
      // What is the same for all items tells nothing.
      scale[k] = variance > 1e-12 ? (float) (1 / Math.sqrt(variance)) : 0;
    }
  }

  /** With a 1 for the constant. */
  private static float[] standardised(float[] item, float[] mean, float[] scale) {
    float[] x = new float[item.length + 1];
    for (int k = 0; k < item.length; k++) {
      x[k] = (item[k] - mean[k]) * scale[k];
    }
    x[item.length] = 1;
    return x;
  }

  /**
   * Nesterov's accelerated gradient descent (Nesterov 1983), started anew where it overshoots
   * (O'Donoghue and Candès 2015). The step is 1 / L with L = largest eigenvalue of x'x / n, halved,
   * plus the penalty, which bounds the curvature (Böhning 1992).
   */
  private static float[] optimum(float[][] x, int[] labels, int classes, double penalty) {
    double curvature = 0.5 * largestEigenvalue(x) + penalty;
    int size = x[0].length * classes;
    float[] present = new float[size];
    float[] ahead = new float[size];
    double momentum = 1;
    for (int i = 0; i < MOST_ITERATIONS; i++) {
      float[] gradient = gradient(x, labels, classes, penalty, ahead);
      float[] next = new float[size];
      double square = 0;
      double progress = 0;
      for (int k = 0; k < size; k++) {
        next[k] = (float) (ahead[k] - gradient[k] / curvature);
        square += (double) gradient[k] * gradient[k];
        progress += (double) gradient[k] * (next[k] - present[k]);
      }
      double following = progress > 0 ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
      double share = progress > 0 ? 0 : (momentum - 1) / following;
      for (int k = 0; k < size; k++) {
        ahead[k] = (float) (next[k] + share * (next[k] - present[k]));
      }
      momentum = following;
      present = next;
      if (Math.sqrt(square) < CONVERGED) {
        break;
      }
    }
    return present;
  }

  private static double largestEigenvalue(float[][] x) {
    double[] direction = new double[x[0].length];
    Arrays.setAll(direction, k -> 1 + 0.1 * (k % 7));
    double value = 0;
    for (int i = 0; i < POWER_ITERATIONS; i++) {
      double norm = Math.sqrt(Arrays.stream(direction).map(d -> d * d).sum());
      double[] image = new double[direction.length];
      for (float[] item : x) {
        double product = 0;
        for (int k = 0; k < item.length; k++) {
          product += item[k] * direction[k] / norm;
        }
        for (int k = 0; k < item.length; k++) {
          image[k] += product * item[k] / x.length;
        }
      }
      value = Math.sqrt(Arrays.stream(image).map(d -> d * d).sum());
      direction = image;
    }
    return value;
  }

  private static float[] gradient(
      float[][] x, int[] labels, int classes, double penalty, float[] weights) {
    // A fixed number of parts, added in order: the same bits on any machine.
    int parts = 8;
    float[][] sums =
        IntStream.range(0, parts)
            .parallel()
            .mapToObj(part -> gradient(x, labels, classes, weights, part, parts))
            .toArray(float[][]::new);
    float[] gradient = new float[weights.length];
    int constant = weights.length - classes;
    for (int k = 0; k < gradient.length; k++) {
      for (float[] sum : sums) {
        gradient[k] += sum[k];
      }
      gradient[k] = gradient[k] / x.length + (k < constant ? (float) penalty * weights[k] : 0);
    }
    return gradient;
  }

  private static float[] gradient(
      float[][] x, int[] labels, int classes, float[] weights, int part, int parts) {
    float[] gradient = new float[weights.length];
    for (int item = part; item < x.length; item += parts) {
      float[] error = logits(x[item], classes, weights);
      softmax(error);
      error[labels[item]] -= 1;
      for (int k = 0; k < x[item].length; k++) {
        float value = x[item][k];
        int row = k * classes;
        for (int c = 0; c < classes; c++) {
          gradient[row + c] += value * error[c];
        }
      }
    }
    return gradient;
  }

  private static float[] logits(float[] x, int classes, float[] weights) {
    float[] logits = new float[classes];
    for (int k = 0; k < x.length; k++) {
      float value = x[k];
      int row = k * classes;
      for (int c = 0; c < classes; c++) {
        logits[c] += value * weights[row + c];
      }
    }
    return logits;
  }

  private static void softmax(float[] logits) {
    float most = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (int c = 0; c < logits.length; c++) {
      logits[c] = (float) Math.exp(logits[c] - most);
      sum += logits[c];
    }
    for (int c = 0; c < logits.length; c++) {
      logits[c] /= (float) sum;
    }
  }

  /** The probability of each class. */
  public float[] probabilities(float[] features) {
    if (features.length != mean.length) {
      throw new IllegalArgumentException(features.length + " features, trained on " + mean.length);
    }
    float[] logits = logits(standardised(features, mean, scale), classes, weights);
    softmax(logits);
    return logits;
  }

  /** The likeliest class. */
  public int classify(float[] features) {
    float[] chances = probabilities(features);
    int best = 0;
    for (int c = 1; c < classes; c++) {
      best = chances[c] > chances[best] ? c : best;
    }
    return best;
  }
}
