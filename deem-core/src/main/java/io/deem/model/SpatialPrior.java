package io.deem.model;

import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.nn.Conv2d;
import io.deem.nn.LayerNorm;

/**
 * The convolutions beside a vision transformer (Chen et al. 2023, "ViT-Adapter") that see the
 * detail within its patches.
 *
 * @param width of the maps that it returns
 * @param channels of its first convolution; deeper ones have up to four times as many
 * @param prefix put before the names of the weights
 */
record SpatialPrior(int width, int channels, String prefix) {

  private static final double EPSILON = 1e-6;

  /**
   * Maps at strides 4, 8, 16 and 32.
   *
   * @param pixels [batch, 3, side, side], the side a multiple of 32
   * @return four maps [batch, width, h, w]
   */
  Tensor[] apply(Tensor pixels) {
    Tensor x = stage("stem.0", "stem.1", 3, channels, 2, pixels);
    x = stage("stem.3", "stem.4", channels, channels, 1, x);
    x = stage("stem.6", "stem.7", channels, channels, 1, x);
    Tensor x4 = halved(x);
    Tensor x8 = stage("conv2.0", "conv2.1", channels, 2 * channels, 2, x4);
    Tensor x16 = stage("conv3.0", "conv3.1", 2 * channels, 4 * channels, 2, x8);
    Tensor x32 = stage("conv4.0", "conv4.1", 4 * channels, 4 * channels, 2, x16);
    return new Tensor[] {
      projected("fc1", x4), projected("fc2", x8), projected("fc3", x16), projected("fc4", x32)
    };
  }

  private Tensor stage(String convolution, String norm, int in, int out, int stride, Tensor x) {
    Param kernel = Param.of(prefix + convolution + ".weight", out, in, 3, 3);
    x = new Conv2d(kernel, null, stride, 1, 1).apply(x);
    return LayerNorm.of(prefix + norm, out, EPSILON).applyToChannels(x).relu();
  }

  private Tensor projected(String name, Tensor x) {
    return Conv2d.of(prefix + name, x.dim(1).value(), width, 1, 1, 0).apply(x);
  }

  /** The maximum of each 3x3 pixels around every other one, of a map without negative numbers. */
  private static Tensor halved(Tensor x) {
    return columnsHalved(columnsHalved(x).transpose(2, 3)).transpose(2, 3);
  }

  private static Tensor columnsHalved(Tensor x) {
    int width = x.dim(3).value() / 2;
    Tensor pairs = x.reshape(x.dim(0), x.dim(1), x.dim(2), width, 2);
    Tensor centre = pairs.slice(4, 0, 1).squeeze(4);
    Tensor right = pairs.slice(4, 1, 2).squeeze(4);
    // Left of the first column are zeros, which no maximum of such a map is below.
    Tensor left = right.pad(1, 0, 0, 0).slice(3, 0, width);
    return centre.maximum(right).maximum(left);
  }
}
