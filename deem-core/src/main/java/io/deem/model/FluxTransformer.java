package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import io.deem.nn.RmsNorm;
import java.util.ArrayList;
import java.util.List;

/**
 * The denoiser of FLUX (Black Forest Labs 2024) with one token of text, in the lightweight form
 * that GenHancer (Ma et al. 2025) trains from scratch: image tokens and text token first in streams
 * of their own that attend to each other, then in one stream, all modulated by time, guidance and a
 * vector. Parameter names are those of the original.
 */
public final class FluxTransformer {

  /** Width of the sinusoids of time and guidance. */
  private static final int SINUSOIDS = 256;

  private static final double MAX_PERIOD = 10_000;

  /** Times from 0 to 1 are stretched to the range that the sinusoids are made for. */
  private static final float TIME_FACTOR = 1000;

  private static final double EPSILON = 1e-6;
  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");

  /**
   * Sizes.
   *
   * @param channels of an image token
   * @param vectorWidth of the vector that modulates
   * @param textWidth of the text token
   * @param hidden width of the streams
   * @param heads attention heads, a divisor of {@code hidden}
   * @param mlpHidden width inside the feed-forward networks
   * @param doubleBlocks layers with two streams
   * @param singleBlocks layers with one stream
   * @param axes how much of a head's width tells each of the three coordinates of a token; even,
   *     and together the head's width
   * @param theta base of the rotary periods
   */
  public record Config(
      int channels,
      int vectorWidth,
      int textWidth,
      int hidden,
      int heads,
      int mlpHidden,
      int doubleBlocks,
      int singleBlocks,
      List<Integer> axes,
      double theta) {

    public Config {
      axes = List.copyOf(axes);
      int sum = axes.stream().mapToInt(Integer::intValue).sum();
      if (heads < 1 || hidden % heads != 0 || sum != hidden / heads) {
        throw new IllegalArgumentException(
            "axes "
                + axes
                + " must add up to the width of one of "
                + heads
                + " heads of "
                + hidden);
      }
      if (axes.size() != 3 || axes.stream().anyMatch(axis -> axis % 2 != 0)) {
        throw new IllegalArgumentException("axes must be three even widths, not " + axes);
      }
    }

    /** The width of a head. */
    public int depth() {
      return hidden / heads;
    }
  }

  /**
   * Where tokens are, as rotations.
   *
   * @param cos [1, tokens, depth / 2]
   * @param sin of the same shape
   * @param tokens the text token and the image's
   */
  public record Positions(float[] cos, float[] sin, int tokens) {}

  private final Config config;
  private final String prefix;
  private final Block entry;
  private final List<Block> doubles = new ArrayList<>();
  private final List<Block> singles = new ArrayList<>();
  private final Block joining;
  private final Block last;

  /** The network; its parameter names start with {@code prefix}. */
  public FluxTransformer(Config config, String prefix) {
    this.config = config;
    this.prefix = prefix;
    this.entry = Graph.block("flux inputs", this::enter);
    for (int i = 0; i < config.doubleBlocks(); i++) {
      String name = prefix + "double_blocks." + i + ".";
      doubles.add(Graph.block("flux double block " + i, g -> twoStreams(g, name)));
    }
    for (int i = 0; i < config.singleBlocks(); i++) {
      String name = prefix + "single_blocks." + i + ".";
      singles.add(Graph.block("flux single block " + i, g -> List.of(oneStream(g, name))));
    }
    this.joining = Graph.block("flux streams", this::join);
    this.last = Graph.block("flux output", g -> List.of(leave(g)));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /** All parameters. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(entry.params());
    doubles.forEach(block -> params.addAll(block.params()));
    singles.forEach(block -> params.addAll(block.params()));
    params.addAll(last.params());
    return List.copyOf(params);
  }

  /**
   * The velocity from the image to the noise.
   *
   * @param image noisy tokens, [batch, rows * columns, channels]
   * @param rows of tokens
   * @param columns of tokens
   * @param text [batch, 1, text width]
   * @param vector [batch, vector width]
   * @param times for each image, from 0 (the image) to 1 (noise)
   * @param guidance the same for all
   * @return [batch, rows * columns, channels]
   */
  public Value forward(
      Scope scope,
      Value image,
      int rows,
      int columns,
      Value text,
      Value vector,
      float[] times,
      float guidance) {
    int images = times.length;
    Positions positions = positions(config, rows, columns);
    Value cos = scope.floats(positions.cos, 1, positions.tokens, config.depth() / 2);
    Value sin = scope.floats(positions.sin, 1, positions.tokens, config.depth() / 2);
    float[] guidances = new float[images];
    java.util.Arrays.fill(guidances, guidance);
    List<Value> entered =
        scope.run(
            entry,
            image,
            text,
            vector,
            scope.floats(sinusoids(times), images, SINUSOIDS),
            scope.floats(sinusoids(guidances), images, SINUSOIDS));
    Value x = entered.get(0);
    Value told = entered.get(1);
    Value modulation = entered.get(2);
    for (Block block : doubles) {
      List<Value> streams = scope.run(block, x, told, modulation, cos, sin);
      x = streams.get(0);
      told = streams.get(1);
    }
    Value stream = scope.run1(joining, told, x);
    for (Block block : singles) {
      stream = scope.run1(block, stream, modulation, cos, sin);
    }
    return scope.run1(last, x, stream, modulation);
  }

  /**
   * Sinusoids of times or guidances, {@code [cos | sin]} of {@code 1000 t / 10000^(k / 128)}.
   *
   * @return [values, 256]
   */
  public static float[] sinusoids(float[] values) {
    int half = SINUSOIDS / 2;
    // In single precision throughout, as the reference: a thousand radians feel the last bit.
    float decay = (float) -Math.log(MAX_PERIOD);
    float[] result = new float[values.length * SINUSOIDS];
    for (int i = 0; i < values.length; i++) {
      float stretched = values[i] * TIME_FACTOR;
      for (int k = 0; k < half; k++) {
        float frequency = (float) Math.exp(decay * k / half);
        float angle = stretched * frequency;
        result[i * SINUSOIDS + k] = (float) Math.cos(angle);
        result[i * SINUSOIDS + half + k] = (float) Math.sin(angle);
      }
    }
    return result;
  }

  /**
   * The coordinates of the text token, all zero, and of the image's tokens row by row: zero, row,
   * column.
   *
   * @return [1 + rows * columns, 3]
   */
  public static float[] coordinates(int rows, int columns) {
    float[] result = new float[3 * (1 + rows * columns)];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        int token = 1 + row * columns + column;
        result[3 * token + 1] = row;
        result[3 * token + 2] = column;
      }
    }
    return result;
  }

  /** The rotations of the text token and of an image's tokens. */
  public static Positions positions(Config config, int rows, int columns) {
    float[] coordinates = coordinates(rows, columns);
    int tokens = 1 + rows * columns;
    int pairs = config.depth() / 2;
    float[] cos = new float[tokens * pairs];
    float[] sin = new float[tokens * pairs];
    for (int token = 0; token < tokens; token++) {
      int pair = 0;
      for (int axis = 0; axis < 3; axis++) {
        int width = config.axes().get(axis);
        for (int k = 0; k < width / 2; k++) {
          double angle = coordinates[3 * token + axis] * Math.pow(config.theta(), -2.0 * k / width);
          cos[token * pairs + pair] = (float) Math.cos(angle);
          sin[token * pairs + pair] = (float) Math.sin(angle);
          pair++;
        }
      }
    }
    return new Positions(cos, sin, tokens);
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> enter(Graph g) {
    int hidden = config.hidden();
    Tensor image = g.input("image", Shape.of(BATCH, LENGTH, config.channels()));
    Tensor text = g.input("text", Shape.of(BATCH, 1, config.textWidth()));
    Tensor vector = g.input("vector", Shape.of(BATCH, config.vectorWidth()));
    Tensor time = g.input("time", Shape.of(BATCH, SINUSOIDS));
    Tensor guidance = g.input("guidance", Shape.of(BATCH, SINUSOIDS));
    Tensor modulation =
        embedded(time, "time_in")
            .plus(embedded(guidance, "guidance_in"))
            .plus(embedded(vector, "vector_in"));
    return List.of(
        Linear.of(prefix + "img_in", config.channels(), hidden).apply(image),
        Linear.of(prefix + "txt_in", config.textWidth(), hidden).apply(text),
        modulation);
  }

  private Tensor embedded(Tensor x, String name) {
    int hidden = config.hidden();
    Tensor y = Linear.of(prefix + name + ".in_layer", x.dim(1).value(), hidden).apply(x).silu();
    return Linear.of(prefix + name + ".out_layer", hidden, hidden).apply(y);
  }

  private List<Tensor> twoStreams(Graph g, String name) {
    Tensor image = g.input("image", Shape.of(BATCH, LENGTH, config.hidden()));
    Tensor text = g.input("text", Shape.of(BATCH, 1, config.hidden()));
    Tensor modulation = g.input("modulation", Shape.of(BATCH, config.hidden())).silu();
    Rotation rotation = Rotation.of(g, config, LENGTH.plus(1));
    List<Tensor> imageParts = parts(modulation, name + "img_mod.lin", 6);
    List<Tensor> textParts = parts(modulation, name + "txt_mod.lin", 6);
    Heads ofImage = heads(modulated(image, imageParts, 0), name + "img_attn.");
    Heads ofText = heads(modulated(text, textParts, 0), name + "txt_attn.");
    Tensor seen =
        attend(
            new Heads(
                Tensor.concat(2, ofText.query, ofImage.query),
                Tensor.concat(2, ofText.key, ofImage.key),
                Tensor.concat(2, ofText.value, ofImage.value)),
            rotation); // [batch, 1 + length, hidden]
    return List.of(
        close(image, seen.slice(1, 1, LENGTH.plus(1)), imageParts, name + "img_"),
        close(text, seen.slice(1, 0, 1), textParts, name + "txt_"));
  }

  /** Adds to a stream what it saw, then what its feed-forward network makes of that. */
  private Tensor close(Tensor stream, Tensor seen, List<Tensor> parts, String name) {
    int hidden = config.hidden();
    Tensor attended = Linear.of(name + "attn.proj", hidden, hidden).apply(seen);
    Tensor x = stream.plus(parts.get(2).times(attended));
    Tensor y = modulated(x, parts, 3);
    y = Linear.of(name + "mlp.0", hidden, config.mlpHidden()).apply(y).geluTanh();
    y = Linear.of(name + "mlp.2", config.mlpHidden(), hidden).apply(y);
    return x.plus(parts.get(5).times(y));
  }

  /** The text token, then the image's. */
  private List<Tensor> join(Graph g) {
    Tensor text = g.input("text", Shape.of(BATCH, 1, config.hidden()));
    Tensor image = g.input("image", Shape.of(BATCH, LENGTH, config.hidden()));
    return List.of(Tensor.concat(1, text, image));
  }

  private Tensor oneStream(Graph g, String name) {
    int hidden = config.hidden();
    int mlp = config.mlpHidden();
    Tensor x = g.input("stream", Shape.of(BATCH, LENGTH, hidden));
    Tensor modulation = g.input("modulation", Shape.of(BATCH, hidden)).silu();
    Rotation rotation = Rotation.of(g, config, LENGTH);
    List<Tensor> parts = parts(modulation, name + "modulation.lin", 3);
    Tensor all =
        Linear.of(name + "linear1", hidden, 3 * hidden + mlp).apply(modulated(x, parts, 0));
    Heads heads = normalised(all.slice(2, 0, 3 * hidden), name);
    Tensor y =
        Tensor.concat(
            2, attend(heads, rotation), all.slice(2, 3 * hidden, 3 * hidden + mlp).geluTanh());
    y = Linear.of(name + "linear2", hidden + mlp, hidden).apply(y);
    return x.plus(parts.get(2).times(y));
  }

  private Tensor leave(Graph g) {
    int hidden = config.hidden();
    // The image's stream from before only tells how many of the tokens are the image's.
    Tensor image = g.input("image", Shape.of(BATCH, LENGTH, hidden));
    Tensor stream = g.input("stream", Shape.of(BATCH, LENGTH.plus(1), hidden));
    Tensor modulation = g.input("modulation", Shape.of(BATCH, hidden)).silu();
    List<Tensor> parts = parts(modulation, prefix + "final_layer.adaLN_modulation.1", 2);
    Tensor x = modulated(stream.slice(1, 1, image.dim(1).plus(1)), parts, 0);
    return Linear.of(prefix + "final_layer.linear", hidden, config.channels()).apply(x);
  }

  // ---------------------------------------------------------------- parts of blocks

  /** Query, key and value, [batch, heads, length, depth] each. */
  private record Heads(Tensor query, Tensor key, Tensor value) {}

  private record Rotation(Tensor cos, Tensor sin) {

    static Rotation of(Graph g, Config config, Dim tokens) {
      Shape shape = Shape.of(1, tokens, config.depth() / 2);
      return new Rotation(g.input("cos", shape), g.input("sin", shape));
    }

    /** Rotates the pairs (0, 1), (2, 3) and so on of each head. */
    Tensor apply(Tensor x) {
      Dim length = x.dim(2);
      int pairs = x.dim(3).value() / 2;
      Tensor split = x.reshape(x.dim(0), x.dim(1), length, pairs, 2);
      Tensor even = split.slice(4, 0, 1).squeeze(4);
      Tensor odd = split.slice(4, 1, 2).squeeze(4);
      Tensor c = cos.unsqueeze(1);
      Tensor s = sin.unsqueeze(1);
      Tensor first = even.times(c).minus(odd.times(s)).unsqueeze(4);
      Tensor second = even.times(s).plus(odd.times(c)).unsqueeze(4);
      return Tensor.concat(4, first, second).reshape(x.shape().dims().toArray());
    }
  }

  /** Shifts, scales and gates, [batch, 1, hidden] each. */
  private List<Tensor> parts(Tensor modulation, String name, int count) {
    int hidden = config.hidden();
    return Linear.of(name, hidden, count * hidden).apply(modulation).unsqueeze(1).chunk(2, count);
  }

  /** {@code (1 + scale) norm(x) + shift}, with shift and scale at {@code first} and after it. */
  private static Tensor modulated(Tensor x, List<Tensor> parts, int first) {
    Tensor normalised = x.layerNorm(null, null, EPSILON);
    return normalised.times(parts.get(first + 1).plus(1.0)).plus(parts.get(first));
  }

  private Heads heads(Tensor x, String name) {
    int hidden = config.hidden();
    return normalised(Linear.of(name + "qkv", hidden, 3 * hidden).apply(x), name);
  }

  private Heads normalised(Tensor all, String name) {
    List<Tensor> three = all.chunk(2, 3);
    return new Heads(
        norm(name + "norm.query_norm").apply(split(three.get(0))),
        norm(name + "norm.key_norm").apply(split(three.get(1))),
        split(three.get(2)));
  }

  private RmsNorm norm(String name) {
    return new RmsNorm(Param.of(name + ".scale", config.depth()), EPSILON);
  }

  private Tensor split(Tensor x) {
    return x.reshape(x.dim(0), x.dim(1), config.heads(), config.depth()).transpose(1, 2);
  }

  private Tensor attend(Heads heads, Rotation rotation) {
    double scale = 1 / Math.sqrt(config.depth());
    return rotation
        .apply(heads.query)
        .attention(rotation.apply(heads.key), heads.value, null, false, scale)
        .transpose(1, 2)
        .flatten(2, 3);
  }
}
