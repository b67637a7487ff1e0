package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Conv2d;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.List;

/**
 * CLIP's image encoder (Radford et al. 2021) under the parameter names of OpenAI's and open_clip's
 * own checkpoints, with every token brought to CLIP's embedding. DIVA trains it under these names;
 * {@link ClipVitEncoder} is the same network under Hugging Face's.
 */
public final class OpenClipVit {

  private static final double EPSILON = 1e-5;
  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * Sizes.
   *
   * @param imageSize side of the square images, in pixels
   * @param patchSize side of a patch, in pixels
   * @param width of the tokens
   * @param hidden width inside the feed-forward networks
   * @param layers their number
   * @param heads attention heads, a divisor of {@code width}
   * @param embedding width of CLIP's embedding
   * @param activation of the feed-forward networks
   */
  public record Config(
      int imageSize,
      int patchSize,
      int width,
      int hidden,
      int layers,
      int heads,
      int embedding,
      ClipActivation activation) {

    public Config {
      if (patchSize < 1 || imageSize < patchSize) {
        throw new IllegalArgumentException(
            "an image of side " + imageSize + " has no patch of side " + patchSize);
      }
      if (heads < 1 || width % heads != 0) {
        throw new IllegalArgumentException(
            "the width must be divisible by the heads, got " + width + " and " + heads);
      }
    }

    /** How many patches an image has. */
    public int patches() {
      int side = imageSize / patchSize;
      return side * side;
    }
  }

  /**
   * An encoded image.
   *
   * @param last what the last layer returns, not normalised, [batch, 1 + patches, width]: the class
   *     token, then the patches row by row
   * @param embedded the same normalised and projected, [batch, 1 + patches, embedding]
   */
  public record Output(Value last, Value embedded) {}

  private final Config config;
  private final String prefix;
  private final Block embedding;
  private final List<Block> layers = new ArrayList<>();
  private final Block head;

  /**
   * The network.
   *
   * @param prefix what its parameter names start with, usually {@code visual.}
   */
  public OpenClipVit(Config config, String prefix) {
    this.config = config;
    this.prefix = prefix;
    this.embedding = Graph.block("clip patches", this::embed);
    for (int i = 0; i < config.layers(); i++) {
      String layer = prefix + "transformer.resblocks." + i + ".";
      layers.add(Graph.block("clip layer " + i, g -> List.of(layer(g, layer))));
    }
    this.head = Graph.block("clip token head", this::project);
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /**
   * Encodes images.
   *
   * @param scope owns the result
   * @param pixels [batch, 3, image size, image size], normalised
   */
  public Output forward(Scope scope, Value pixels) {
    Value x = scope.run1(embedding, pixels);
    for (Block layer : layers) {
      x = scope.run1(layer, x);
    }
    return new Output(x, scope.run1(head, x));
  }

  /** All parameters, from the pixels upwards. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(embedding.params());
    layers.forEach(layer -> params.addAll(layer.params()));
    params.addAll(head.params());
    return List.copyOf(params);
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> embed(Graph g) {
    int width = config.width();
    int patch = config.patchSize();
    int size = config.imageSize();
    Tensor pixels = g.input("pixels", Shape.of(BATCH, 3, size, size));
    Param kernel = Param.of(prefix + "conv1.weight", width, 3, patch, patch);
    Tensor x = new Conv2d(kernel, null, patch, 0, 1).apply(pixels); // [batch, width, grid, grid]
    x = x.flatten(2, 3).transpose(1, 2); // [batch, patches, width]
    Tensor token = g.param(Param.of(prefix + "class_embedding", width));
    x = Tensor.concat(1, token.reshape(1, 1, width).expand(BATCH, 1, width), x);
    Param positions = Param.of(prefix + "positional_embedding", 1 + config.patches(), width);
    return List.of(norm(prefix + "ln_pre").apply(x.plus(g.param(positions))));
  }

  private Tensor layer(Graph g, String name) {
    int width = config.width();
    Tensor x = g.input("tokens", Shape.of(BATCH, 1 + config.patches(), width));
    x = x.plus(attend(norm(name + "ln_1").apply(x), name + "attn."));
    Tensor y = norm(name + "ln_2").apply(x);
    y = Linear.of(name + "mlp.c_fc", width, config.hidden()).apply(y);
    return x.plus(
        Linear.of(name + "mlp.c_proj", config.hidden(), width).apply(config.activation().apply(y)));
  }

  /** PyTorch's own attention, whose query, key and value are rows of one weight. */
  private Tensor attend(Tensor x, String name) {
    int width = config.width();
    Linear all =
        new Linear(
            Param.of(name + "in_proj_weight", 3L * width, width),
            Param.of(name + "in_proj_bias", 3L * width));
    List<Tensor> parts = all.apply(x).chunk(2, 3);
    double scale = 1 / Math.sqrt((double) width / config.heads());
    Tensor seen =
        split(parts.get(0)).attention(split(parts.get(1)), split(parts.get(2)), null, false, scale);
    return Linear.of(name + "out_proj", width, width).apply(seen.transpose(1, 2).flatten(2, 3));
  }

  /** [batch, length, width] to [batch, heads, length, depth]. */
  private Tensor split(Tensor x) {
    int heads = config.heads();
    return x.reshape(x.dim(0), x.dim(1), heads, config.width() / heads).transpose(1, 2);
  }

  private List<Tensor> project(Graph g) {
    Tensor x = g.input("tokens", Shape.of(BATCH, 1 + config.patches(), config.width()));
    Param weight = Param.of(prefix + "proj", config.width(), config.embedding());
    return List.of(norm(prefix + "ln_post").apply(x).matmul(g.param(weight)));
  }

  private LayerNorm norm(String name) {
    return LayerNorm.of(name, config.width(), EPSILON);
  }
}
