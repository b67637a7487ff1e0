package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.List;

/**
 * One transformer layer of CLIP (Radford et al. 2021), the same in its image and its text encoder:
 * attention and a feed-forward network, each on the normalised input and added to it.
 *
 * @param width of the tokens
 * @param hidden width inside the feed-forward network
 * @param heads attention heads, a divisor of {@code width}
 * @param activation of the feed-forward network
 * @param normEps added to variances
 * @param causal whether a token sees only itself and those before it
 */
record ClipLayer(
    int width, int hidden, int heads, ClipActivation activation, double normEps, boolean causal) {

  ClipLayer {
    if (heads < 1 || width % heads != 0) {
      throw new IllegalArgumentException(
          "the width must be divisible by the heads, got " + width + " and " + heads);
    }
  }

  /** A stack of layers, [batch, length, width] each, whose names start with {@code layers.}. */
  List<Block> stack(int count, String layers) {
    List<Block> stack = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String prefix = layers + i + ".";
      stack.add(Graph.block("clip layer " + i, g -> List.of(layer(g, prefix))));
    }
    return List.copyOf(stack);
  }

  private Tensor layer(Graph g, String prefix) {
    Tensor x = g.input("tokens", Shape.of(Dim.symbol("batch"), Dim.symbol("length"), width));
    Tensor y = LayerNorm.of(prefix + "layer_norm1", width, normEps).apply(x);
    x = x.plus(attend(y, prefix + "self_attn."));
    y = LayerNorm.of(prefix + "layer_norm2", width, normEps).apply(x);
    y = activation.apply(Linear.of(prefix + "mlp.fc1", width, hidden).apply(y));
    return x.plus(Linear.of(prefix + "mlp.fc2", hidden, width).apply(y));
  }

  private Tensor attend(Tensor x, String prefix) {
    Tensor query = split(Linear.of(prefix + "q_proj", width, width).apply(x));
    Tensor key = split(Linear.of(prefix + "k_proj", width, width).apply(x));
    Tensor value = split(Linear.of(prefix + "v_proj", width, width).apply(x));
    double scale = 1 / Math.sqrt((double) width / heads);
    Tensor seen = query.attention(key, value, null, causal, scale);
    return Linear.of(prefix + "out_proj", width, width).apply(seen.transpose(1, 2).flatten(2, 3));
  }

  /** [batch, length, width] to [batch, heads, length, depth]. */
  private Tensor split(Tensor x) {
    return x.reshape(x.dim(0), x.dim(1), heads, width / heads).transpose(1, 2);
  }
}
