package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.LayerNorm;
import java.util.ArrayList;
import java.util.List;

/**
 * CLIP's text encoder (Radford et al. 2021), which conditions Stable Diffusion; DEEM needs it for
 * the condition of an empty prompt. Parameter names are those of Hugging Face's {@code
 * CLIPTextModel}.
 *
 * <p>There is no padding mask: padding comes last, where a causal encoder's real tokens do not see
 * it, and Stable Diffusion reads the padding's states too.
 */
public final class ClipTextEncoder {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");

  /**
   * Sizes.
   *
   * @param vocabulary token ids
   * @param positions the longest text, in tokens
   * @param width of the tokens
   * @param hidden width inside the feed-forward networks
   * @param layers their number
   * @param heads attention heads, a divisor of {@code width}
   * @param activation of the feed-forward networks
   * @param normEps added to variances
   */
  public record Config(
      int vocabulary,
      int positions,
      int width,
      int hidden,
      int layers,
      int heads,
      ClipActivation activation,
      double normEps) {

    public Config {
      if (vocabulary < 1 || positions < 1 || layers < 1) {
        throw new IllegalArgumentException(
            "vocabulary, positions and layers must be positive, not "
                + vocabulary
                + ", "
                + positions
                + " and "
                + layers);
      }
    }
  }

  /**
   * An encoded text.
   *
   * @param lastHiddenState [batch, length, width], normalised: Stable Diffusion's condition
   * @param pooled its row at the token with the highest id, the end of the text in CLIP's
   *     vocabulary, [batch, width]
   */
  public record Output(Value lastHiddenState, Value pooled) {}

  private final Config config;
  private final String model;
  private final Block embedding;
  private final List<Block> layers;
  private final Block head;

  /**
   * The network.
   *
   * @param prefix what precedes {@code text_model.} in its checkpoint names, often empty
   */
  public ClipTextEncoder(Config config, String prefix) {
    this.config = config;
    this.model = prefix + "text_model.";
    this.embedding = Graph.block("clip tokens", this::embedding);
    this.layers =
        new ClipLayer(
                config.width(),
                config.hidden(),
                config.heads(),
                config.activation(),
                config.normEps(),
                true)
            .stack(config.layers(), model + "encoder.layers.");
    this.head = Graph.block("clip text head", this::head);
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /**
   * Encodes texts.
   *
   * @param scope owns the result
   * @param ids [batch, length], token ids, padded to one length
   * @throws IllegalArgumentException if the texts are longer than the encoder has positions
   */
  public Output forward(Scope scope, Value ids) {
    long[] shape = ids.shape();
    if (shape.length == 2 && shape[1] > config.positions()) {
      throw new IllegalArgumentException(
          "a text of " + shape[1] + " tokens is longer than the encoder's " + config.positions());
    }
    Value x = scope.run1(embedding, ids);
    for (Block layer : layers) {
      x = scope.run1(layer, x);
    }
    List<Value> results = scope.run(head, x, ids);
    return new Output(results.get(0), results.get(1));
  }

  /** All parameters, from the token ids upwards. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(embedding.params());
    layers.forEach(layer -> params.addAll(layer.params()));
    params.addAll(head.params());
    return List.copyOf(params);
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> embedding(Graph g) {
    int width = config.width();
    String embeddings = model + "embeddings.";
    Tensor ids = g.input("ids", Shape.of(BATCH, LENGTH), DataType.INT64);
    Tensor words =
        g.param(Param.of(embeddings + "token_embedding.weight", config.vocabulary(), width));
    Tensor places =
        g.param(Param.of(embeddings + "position_embedding.weight", config.positions(), width));
    return List.of(words.embedding(ids).plus(places.slice(0, 0, LENGTH))); // [batch, length, width]
  }

  private List<Tensor> head(Graph g) {
    int width = config.width();
    Tensor x = g.input("tokens", Shape.of(BATCH, LENGTH, width));
    Tensor ids = g.input("ids", Shape.of(BATCH, LENGTH), DataType.INT64);
    Tensor hidden = LayerNorm.of(model + "final_layer_norm", width, config.normEps()).apply(x);
    Tensor end = ids.argMax(1).reshape(BATCH, 1, 1).expand(BATCH, 1, width);
    return List.of(hidden, hidden.gather(1, end).squeeze(1));
  }
}
