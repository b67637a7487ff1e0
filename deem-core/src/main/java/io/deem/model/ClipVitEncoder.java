package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Resampling;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.image.Interpolation;
import io.deem.nn.Conv2d;
import io.deem.nn.LayerNorm;
import java.util.ArrayList;
import java.util.List;

/**
 * CLIP's image encoder (Radford et al. 2021): a vision transformer over square patches and a class
 * token. Parameter names are those of Hugging Face's {@code CLIPVisionModel}, misspelling included.
 */
public final class ClipVitEncoder {

  /**
   * Sizes.
   *
   * @param imageSize side of the square images, in pixels
   * @param patchSize side of a patch, in pixels
   * @param width of the tokens
   * @param hidden width inside the feed-forward networks
   * @param layers their number
   * @param heads attention heads, a divisor of {@code width}
   * @param activation of the feed-forward networks
   * @param normEps added to variances
   */
  public record Config(
      int imageSize,
      int patchSize,
      int width,
      int hidden,
      int layers,
      int heads,
      ClipActivation activation,
      double normEps) {

    public Config {
      if (patchSize < 1 || imageSize < patchSize) {
        throw new IllegalArgumentException(
            "an image of side " + imageSize + " has no patch of side " + patchSize);
      }
      if (layers < 1) {
        throw new IllegalArgumentException("layers must be positive, not " + layers);
      }
    }

    /** Patches along a side. */
    public int grid() {
      return imageSize / patchSize;
    }
  }

  /**
   * The tokens on their way through the layers.
   *
   * @param hiddenStates first what the layers are given, then what each returns, [batch, 1 +
   *     patches, width]: the class token, then the patches row by row
   * @param pooled the last class token, normalised, [batch, width]
   */
  public record Output(List<Value> hiddenStates, Value pooled) {

    /** What the last layer returns, not normalised, [batch, 1 + patches, width]. */
    public Value lastHiddenState() {
      return hiddenStates.get(hiddenStates.size() - 1);
    }
  }

  private final Config config;
  private final String model;
  private final Block embedding;
  private final List<Block> layers;
  private final Block head;

  /**
   * The network.
   *
   * @param prefix what precedes {@code vision_model.} in its checkpoint names, often empty
   */
  public ClipVitEncoder(Config config, String prefix) {
    this.config = config;
    this.model = prefix + "vision_model.";
    this.embedding = Graph.block("clip patches", this::embedding);
    this.layers =
        new ClipLayer(
                config.width(),
                config.hidden(),
                config.heads(),
                config.activation(),
                config.normEps(),
                false)
            .stack(config.layers(), model + "encoder.layers.");
    this.head = Graph.block("clip image head", this::head);
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
    List<Value> states = new ArrayList<>();
    Value x = embed(scope, pixels);
    states.add(x);
    for (Block layer : layers) {
      x = scope.run1(layer, x);
      states.add(x);
    }
    return new Output(List.copyOf(states), scope.run1(head, x));
  }

  /** All parameters, from the pixels upwards. */
  public List<Param> params() {
    List<Param> params = trunkParams();
    params.addAll(head.params());
    return List.copyOf(params);
  }

  /**
   * Position embeddings for another number of patches: those of the patches resized by bicubic
   * interpolation whose corners stay, as the reference does once when it loads a CLIP; that of the
   * class token as it is.
   *
   * @param table [1 + side * side, width], row-major
   * @param grid patches along a side afterwards
   * @return [1 + grid * grid, width]
   * @throws IllegalArgumentException if the table is not that of a square
   */
  public static float[] resizePositions(float[] table, int width, int grid) {
    int patches = table.length / width - 1;
    int side = (int) Math.round(Math.sqrt(patches));
    if (patches < 1 || side * side != patches || table.length != (1 + patches) * width) {
      throw new IllegalArgumentException(
          "not the position embeddings of a class token and a square of patches: "
              + table.length
              + " values of width "
              + width);
    }
    float[] planes = transposed(table, width, patches, width);
    float[] resized =
        Interpolation.resize(planes, width, side, side, grid, grid, Resampling.BICUBIC, true);
    float[] result = new float[(1 + grid * grid) * width];
    System.arraycopy(table, 0, result, 0, width);
    System.arraycopy(
        transposed(resized, 0, width, grid * grid), 0, result, width, grid * grid * width);
    return result;
  }

  /** A matrix within an array, [rows, columns], as [columns, rows]. */
  private static float[] transposed(float[] values, int from, int rows, int columns) {
    float[] result = new float[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        result[j * rows + i] = values[from + i * columns + j];
      }
    }
    return result;
  }

  // ---------------------------------------------------------------- for the adapter

  /** What the first layer is given. */
  Value embed(Scope scope, Value pixels) {
    return scope.run1(embedding, pixels);
  }

  /** The layers, in order. */
  List<Block> layers() {
    return layers;
  }

  /** The parameters of all but the pooled output, in a list that can grow. */
  List<Param> trunkParams() {
    List<Param> params = new ArrayList<>(embedding.params());
    layers.forEach(layer -> params.addAll(layer.params()));
    return params;
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> embedding(Graph g) {
    int width = config.width();
    int patch = config.patchSize();
    int size = config.imageSize();
    int patches = config.grid() * config.grid();
    Dim batch = Dim.symbol("batch");
    Tensor pixels = g.input("pixels", Shape.of(batch, 3, size, size));
    Param kernel = Param.of(model + "embeddings.patch_embedding.weight", width, 3, patch, patch);
    Tensor x = new Conv2d(kernel, null, patch, 0, 1).apply(pixels); // [batch, width, grid, grid]
    x = x.flatten(2, 3).transpose(1, 2); // [batch, patches, width]
    Tensor token = g.param(Param.of(model + "embeddings.class_embedding", width));
    x = Tensor.concat(1, token.reshape(1, 1, width).expand(batch, 1, width), x);
    Param positions = Param.of(model + "embeddings.position_embedding.weight", 1 + patches, width);
    return List.of(norm("pre_layrnorm").apply(x.plus(g.param(positions))));
  }

  private List<Tensor> head(Graph g) {
    int tokens = 1 + config.grid() * config.grid();
    Tensor x = g.input("tokens", Shape.of(Dim.symbol("batch"), tokens, config.width()));
    return List.of(norm("post_layernorm").apply(x.slice(1, 0, 1).squeeze(1)));
  }

  private LayerNorm norm(String name) {
    return LayerNorm.of(model + name, config.width(), config.normEps());
  }
}
