package io.deem.lora;

import io.deem.random.RandomSource;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;

/** The weights of an adapted network. */
public final class AdaptedWeights {

  private AdaptedWeights() {}

  /**
   * Weights with fresh factors: A uniform within {@code 1 / sqrt(in)} (Kaiming's bound with a slope
   * of sqrt 5, as the peft library draws it), B zero, so that the network computes what it did
   * before.
   *
   * @param base the network's weights, which stay open as long as the result is used
   * @param seed each layer's draws depend on it and the layer's name alone
   */
  public static TensorSource fresh(TensorSource base, LowRankAdaptation lora, long seed) {
    OverlaidTensors weights = new OverlaidTensors(base, "fresh adapters (seed " + seed + ")");
    for (String name : layers(base, lora)) {
      long[] a = lora.shapeOfA(base, name);
      long[] b = lora.shapeOfB(base, name);
      weights.with(name + LowRankAdaptation.A, a, () -> kaiming(name, a, seed));
      weights.with(name + LowRankAdaptation.B, b, () -> new float[elements(b)]);
    }
    return weights;
  }

  /**
   * Weights with the factors merged in: {@code W + (alpha / rank) B A}. Layers without stored
   * factors stay as they are.
   *
   * @param base the network's weights, which stay open as long as the result is used
   * @param factors under the names {@code NAME.lora_A} and {@code NAME.lora_B}
   */
  public static TensorSource merged(
      TensorSource base, TensorSource factors, LowRankAdaptation lora) {
    OverlaidTensors weights = new OverlaidTensors(base, factors.origin());
    for (String name : layers(base, lora)) {
      if (!factors.contains(name + LowRankAdaptation.A)) {
        continue;
      }
      long[] a = lora.shapeOfA(base, name);
      long[] b = lora.shapeOfB(base, name);
      factors.require(name + LowRankAdaptation.A, a);
      factors.require(name + LowRankAdaptation.B, b);
      String weight = name + LowRankAdaptation.WEIGHT;
      weights.with(
          weight,
          base.info(weight).shape(),
          () ->
              merge(
                  base.floats(weight),
                  factors.floats(name + LowRankAdaptation.A),
                  factors.floats(name + LowRankAdaptation.B),
                  lora));
    }
    return weights;
  }

  /** The layers of a network that an adaptation concerns, as far as their names and shapes tell. */
  private static List<String> layers(TensorSource base, LowRankAdaptation lora) {
    List<String> layers = new ArrayList<>();
    for (String name : base.names()) {
      TensorInfo info = base.info(name);
      String layer = lora.layer(info);
      if (layer != null) {
        layers.add(layer);
      }
    }
    return layers;
  }

  private static float[] merge(float[] weight, float[] a, float[] b, LowRankAdaptation lora) {
    int rank = lora.rank();
    int in = a.length / rank;
    int out = b.length / rank;
    float[] merged = weight.clone();
    double[] row = new double[in];
    for (int i = 0; i < out; i++) {
      java.util.Arrays.fill(row, 0);
      for (int r = 0; r < rank; r++) {
        double factor = b[i * rank + r] * lora.scale();
        for (int k = 0; k < in; k++) {
          row[k] += factor * a[r * in + k];
        }
      }
      for (int k = 0; k < in; k++) {
        merged[i * in + k] = (float) (merged[i * in + k] + row[k]);
      }
    }
    return merged;
  }

  private static float[] kaiming(String layer, long[] shape, long seed) {
    float[] values = new float[elements(shape)];
    RandomSource.seeded(seed * 0x9E3779B97F4A7C15L + layer.hashCode()).uniform(values);
    double bound = 1 / Math.sqrt((double) shape[1]);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((2.0 * values[i] - 1) * bound);
    }
    return values;
  }

  private static int elements(long[] shape) {
    return Math.toIntExact(Math.multiplyExact(shape[0], shape[1]));
  }
}
