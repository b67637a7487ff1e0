package io.deem.model;

import io.deem.graph.Dim;
import io.deem.graph.Tensor;
import io.deem.nn.GroupNorm;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.List;

/**
 * The attention unit of {@link UNet}: the places of a map attend to each other, then to the
 * condition, then pass through a gated feed-forward layer.
 */
record SpatialTransformer(
    GroupNorm norm,
    Linear projectIn,
    LayerNorm norm1,
    Attention toItself,
    LayerNorm norm2,
    Attention toContext,
    LayerNorm norm3,
    Linear feedForwardIn,
    Linear feedForwardOut,
    Linear projectOut) {

  private static final double GROUP_NORM_EPSILON = 1e-6;
  private static final double LAYER_NORM_EPSILON = 1e-5;
  private static final int EXPANSION = 4;

  /**
   * A unit with the parameter names of Stable Diffusion.
   *
   * @param width the map's channels
   * @param heads divides the width
   * @param contextWidth the width of the condition
   * @param groups of the first norm; divides the width
   */
  static SpatialTransformer of(String prefix, int width, int heads, int contextWidth, int groups) {
    String block = prefix + ".transformer_blocks.0";
    int inner = EXPANSION * width;
    return new SpatialTransformer(
        GroupNorm.of(prefix + ".norm", width, groups, GROUP_NORM_EPSILON),
        Linear.of(prefix + ".proj_in", width, width),
        LayerNorm.of(block + ".norm1", width, LAYER_NORM_EPSILON),
        Attention.of(block + ".attn1", width, width, heads),
        LayerNorm.of(block + ".norm2", width, LAYER_NORM_EPSILON),
        Attention.of(block + ".attn2", width, contextWidth, heads),
        LayerNorm.of(block + ".norm3", width, LAYER_NORM_EPSILON),
        Linear.of(block + ".ff.net.0.proj", width, 2 * inner),
        Linear.of(block + ".ff.net.2", inner, width),
        Linear.of(prefix + ".proj_out", width, width));
  }

  /**
   * Applies the unit.
   *
   * @param map [batch, width, height, width of the map]
   * @param context [batch, length, context width]
   * @return as {@code map}
   */
  Tensor apply(Tensor map, Tensor context) {
    Tensor x = projectIn.apply(tokens(norm.apply(map))); // [batch, places, width]
    Tensor y = norm1.apply(x);
    x = x.plus(toItself.apply(y, y));
    x = x.plus(toContext.apply(norm2.apply(x), context));
    x = x.plus(feedForward(norm3.apply(x)));
    return map.plus(projectOut.apply(x).transpose(1, 2).reshape(map.shape().dims().toArray()));
  }

  /** The places of a map in row-major order: [batch, height * width, channels]. */
  static Tensor tokens(Tensor map) {
    return map.flatten(2, 3).transpose(1, 2);
  }

  /** Gated by a GELU (Shazeer 2020, "GLU Variants Improve Transformer"); the second half gates. */
  private Tensor feedForward(Tensor x) {
    List<Tensor> halves = feedForwardIn.apply(x).chunk(-1, 2);
    return feedForwardOut.apply(halves.get(0).times(halves.get(1).gelu()));
  }

  /** Attention of several heads, without biases but for the last projection. */
  record Attention(Linear query, Linear key, Linear value, Linear out, int heads) {

    static Attention of(String prefix, int width, int contextWidth, int heads) {
      if (width % heads != 0) {
        throw new IllegalArgumentException(
            prefix + ": the width " + width + " is not a multiple of " + heads + " heads");
      }
      return new Attention(
          Linear.withoutBias(prefix + ".to_q", width, width),
          Linear.withoutBias(prefix + ".to_k", contextWidth, width),
          Linear.withoutBias(prefix + ".to_v", contextWidth, width),
          Linear.of(prefix + ".to_out.0", width, width),
          heads);
    }

    /**
     * Attends from {@code x} [batch, places, width] to {@code context} [batch, length, context
     * width].
     */
    Tensor apply(Tensor x, Tensor context) {
      Tensor q = split(query.apply(x)); // [batch, heads, places, depth]
      Tensor k = split(key.apply(context)); // [batch, heads, length, depth]
      Tensor v = split(value.apply(context));
      double scale = 1 / Math.sqrt(q.dim(3).value());
      Tensor mixed = q.attention(k, v, null, false, scale).transpose(1, 2);
      return out.apply(mixed.flatten(2, 3));
    }

    private Tensor split(Tensor x) {
      Dim depth = x.dim(2).dividedBy(heads);
      return x.reshape(x.dim(0), x.dim(1), heads, depth).transpose(1, 2);
    }
  }
}
