package io.deem.model;

import io.deem.graph.Dim;
import io.deem.graph.Tensor;
import io.deem.nn.Conv2d;
import io.deem.nn.GroupNorm;
import io.deem.nn.Linear;

/**
 * The residual unit of {@link UNet} and {@link AutoencoderKl}: twice norm, SiLU, convolution, and
 * the input added.
 *
 * @param timeProjection brings the timestep embedding to the channels, or null without timesteps
 * @param shortcut brings the input to the channels of the result, or null where they agree
 */
record ResnetBlock(
    GroupNorm norm1,
    Conv2d conv1,
    Linear timeProjection,
    GroupNorm norm2,
    Conv2d conv2,
    Conv2d shortcut) {

  /**
   * A unit with the parameter names of Stable Diffusion.
   *
   * @param timeWidth the width of the timestep embedding, or 0 without timesteps
   */
  static ResnetBlock of(String prefix, int in, int out, int timeWidth, int groups, double epsilon) {
    return new ResnetBlock(
        GroupNorm.of(prefix + ".norm1", in, groups, epsilon),
        Conv2d.of(prefix + ".conv1", in, out, 3, 1, 1),
        timeWidth == 0 ? null : Linear.of(prefix + ".time_emb_proj", timeWidth, out),
        GroupNorm.of(prefix + ".norm2", out, groups, epsilon),
        Conv2d.of(prefix + ".conv2", out, out, 3, 1, 1),
        in == out ? null : Conv2d.of(prefix + ".conv_shortcut", in, out, 1, 1, 0));
  }

  /** Without timesteps: {@code x} is [batch, in, height, width], the result [batch, out, ..]. */
  Tensor apply(Tensor x) {
    return apply(x, null);
  }

  /**
   * Applies the unit.
   *
   * @param x [batch, in, height, width]
   * @param time SiLU of the timestep embedding, [batch, time width], or null
   * @return [batch, out, height, width]
   */
  Tensor apply(Tensor x, Tensor time) {
    Tensor h = conv1.apply(norm1.apply(x).silu()); // [batch, out, height, width]
    if (timeProjection != null) {
      Dim batch = x.dim(0);
      h = h.plus(timeProjection.apply(time).reshape(batch, h.dim(1), 1, 1));
    }
    h = conv2.apply(norm2.apply(h).silu());
    return h.plus(shortcut == null ? x : shortcut.apply(x));
  }
}
