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
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A Q-Former (BLIP-2, Li et al. 2023): a fixed number of learnt queries that read a sequence of any
 * length by cross-attention. DEEM turns an image's tokens into the language model's with one, and
 * the language model's output into the diffusion model's condition with another. DEEM adds an
 * optional normalisation of the query and key of each head.
 */
public final class PerceiverResampler {

  /** What is added to the score of a masked token, the lowest 32-bit number. */
  private static final double MASKED = -Float.MAX_VALUE;

  /**
   * Sizes.
   *
   * @param queries the number of learnt queries, the length of the result
   * @param width the width of queries and result
   * @param encoderWidth the width of the sequence that is read
   * @param hidden the width inside the feed-forward networks
   * @param layers the number of layers
   * @param heads the number of attention heads, a divisor of {@code width}
   * @param crossAttentionFrequency layers 0, f, 2f, .. read the sequence; the others only attend
   *     among the queries
   * @param queryKeyNorm whether the query and key of each head are normalised
   * @param normEps added to variances
   */
  public record Config(
      int queries,
      int width,
      int encoderWidth,
      int hidden,
      int layers,
      int heads,
      int crossAttentionFrequency,
      boolean queryKeyNorm,
      double normEps) {

    public Config {
      if (width % heads != 0) {
        throw new IllegalArgumentException(
            "the width must be divisible by the heads, got " + width + " and " + heads);
      }
      if (crossAttentionFrequency < 1 || layers < 1) {
        throw new IllegalArgumentException(
            "layers and cross-attention frequency must be positive, got "
                + layers
                + " and "
                + crossAttentionFrequency);
      }
    }
  }

  /**
   * The queries on their way through the layers.
   *
   * @param hiddenStates first the normalised queries [1, queries, width], which do not depend on
   *     the input, then what each layer returns, [batch, queries, width]
   */
  public record Output(List<Value> hiddenStates) {

    /** The result, [batch, queries, width]. */
    public Value last() {
      return hiddenStates.get(hiddenStates.size() - 1);
    }
  }

  private final Config config;
  private final String prefix;
  private final boolean drops;
  private final Block embedding;
  private final List<Block> layers = new ArrayList<>();
  private final List<Block> maskedLayers = new ArrayList<>();

  /**
   * The network.
   *
   * @param prefix what precedes {@code queries} and {@code blip2qformer.} in its checkpoint names:
   *     empty, or for example {@code visual_tokenizer.perceiver_resampler.}
   */
  public PerceiverResampler(Config config, String prefix) {
    this(config, prefix, false);
  }

  /**
   * The network.
   *
   * @param drops whether training with dropout drops elements of it: those of the queries, of the
   *     attention's weights, and of what attention and feed-forward networks add
   */
  public PerceiverResampler(Config config, String prefix, boolean drops) {
    this.config = config;
    this.prefix = prefix;
    this.drops = drops;
    this.embedding = Graph.block("resampler queries", this::embedding);
    for (int i = 0; i < config.layers(); i++) {
      int index = i;
      Block plain = Graph.block("resampler layer " + i, g -> layer(g, index, false));
      layers.add(plain);
      maskedLayers.add(
          reads(i) ? Graph.block("resampler layer " + i, g -> layer(g, index, true)) : plain);
    }
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /**
   * Reads sequences.
   *
   * @param scope owns the result
   * @param encoded [batch, length, encoderWidth]
   * @param mask integers [batch, length], 1 for tokens to read and 0 for those to skip; null to
   *     read all
   */
  public Output forward(Scope scope, Value encoded, Value mask) {
    List<Value> states = new ArrayList<>();
    Value x = scope.run1(embedding);
    states.add(x);
    for (int i = 0; i < config.layers(); i++) {
      if (!reads(i)) {
        x = scope.run1(layers.get(i), x);
      } else if (mask == null) {
        x = scope.run1(layers.get(i), x, encoded);
      } else {
        x = scope.run1(maskedLayers.get(i), x, encoded, mask);
      }
      states.add(x);
    }
    return new Output(List.copyOf(states));
  }

  /** All parameters: the queries, then layer by layer. */
  public List<Param> params() {
    Set<Param> params = new LinkedHashSet<>(embedding.params());
    layers.forEach(layer -> params.addAll(layer.params()));
    return List.copyOf(params);
  }

  /** The matrices of all linear layers. */
  public List<Param> matrices() {
    return layers.stream()
        .flatMap(layer -> layer.matrices().stream())
        .distinct()
        .collect(Collectors.toList());
  }

  /** Whether a layer has cross-attention. */
  private boolean reads(int layer) {
    return layer % config.crossAttentionFrequency() == 0;
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> embedding(Graph g) {
    Tensor queries = g.param(Param.of(prefix + "queries", 1, config.queries(), config.width()));
    return List.of(dropped(norm("blip2qformer.layernorm", config.width()).apply(queries)));
  }

  private List<Tensor> layer(Graph g, int index, boolean masked) {
    String layer = "blip2qformer.encoder.layer." + index + ".";
    Dim batch = Dim.symbol("batch");
    // The learnt queries are the same for every sequence until they first read it.
    Object rows = index == 0 ? 1 : batch;
    Tensor x = g.input("queries", Shape.of(rows, config.queries(), config.width()));
    x = attend(layer + "attention.", x, x, null);
    if (reads(index)) {
      Dim length = Dim.symbol("length");
      Tensor encoded = g.input("encoded", Shape.of(batch, length, config.encoderWidth()));
      Tensor mask = masked ? g.input("mask", Shape.of(batch, length), DataType.INT64) : null;
      x = x.expand(batch, config.queries(), config.width());
      x = attend(layer + "crossattention.", x, encoded, mask == null ? null : scores(mask));
    }
    Tensor y = linear(layer + "intermediate_query.dense", config.width(), config.hidden()).apply(x);
    y = linear(layer + "output_query.dense", config.hidden(), config.width()).apply(y.gelu());
    y = dropped(y);
    return List.of(norm(layer + "output_query.LayerNorm", config.width()).apply(y.plus(x)));
  }

  /** What a mask of ones and zeros adds to the scores: [batch, 1, 1, length]. */
  private static Tensor scores(Tensor mask) {
    Tensor skipped = mask.cast(DataType.FLOAT).negate().plus(1.0); // 1 where masked
    return skipped.times(MASKED).unsqueeze(1).unsqueeze(1);
  }

  /** Multi-head attention, its projection, and the normalised sum with the query. */
  private Tensor attend(String name, Tensor x, Tensor source, Tensor mask) {
    String attention = name + "attention.";
    int sourceWidth = source.dim(-1).value();
    Tensor query = heads(linear(attention + "query", config.width(), config.width()).apply(x));
    Tensor key = heads(linear(attention + "key", sourceWidth, config.width()).apply(source));
    Tensor value = heads(linear(attention + "value", sourceWidth, config.width()).apply(source));
    int depth = config.width() / config.heads();
    if (config.queryKeyNorm()) {
      query = norm(attention + "q_norm", depth).apply(query);
      key = norm(attention + "k_norm", depth).apply(key);
    }
    Tensor read = query.attention(key, value, mask, false, 1 / Math.sqrt(depth), drops);
    read = read.transpose(1, 2).flatten(2, 3); // [batch, queries, width]
    Tensor y = linear(name + "output.dense", config.width(), config.width()).apply(read);
    return norm(name + "output.LayerNorm", config.width()).apply(dropped(y).plus(x));
  }

  private Tensor dropped(Tensor x) {
    return drops ? x.dropout() : x;
  }

  /** [batch, length, width] to [batch, heads, length, depth]. */
  private Tensor heads(Tensor x) {
    int depth = config.width() / config.heads();
    return x.reshape(x.dim(0), x.dim(1), config.heads(), depth).transpose(1, 2);
  }

  private Linear linear(String name, int in, int out) {
    return Linear.of(prefix + name, in, out);
  }

  private LayerNorm norm(String name, int width) {
    return LayerNorm.of(prefix + name, width, config.normEps());
  }
}
