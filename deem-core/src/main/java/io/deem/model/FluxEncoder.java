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
import io.deem.nn.GroupNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * The encoder of FLUX's autoencoder (Black Forest Labs 2024): that of {@link AutoencoderKl} under
 * other names, without {@code quant_conv}, without limits on the variance, and with latents that
 * are shifted as well as scaled.
 */
public final class FluxEncoder {

  private static final int GROUPS = 32;
  private static final double EPSILON = 1e-6;
  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * The architecture.
   *
   * @param channels the narrowest width, a multiple of 32
   * @param multipliers the width of each level, finest first, as a multiple of {@code channels}
   * @param blocksPerLevel residual units a level
   * @param latentChannels of the latents
   * @param scale latents are multiplied by it, after {@code shift} was subtracted
   * @param shift the latents' mean
   */
  public record Config(
      int channels,
      List<Integer> multipliers,
      int blocksPerLevel,
      int latentChannels,
      double scale,
      double shift) {

    public Config {
      multipliers = List.copyOf(multipliers);
      if (multipliers.isEmpty() || channels < 1 || channels % GROUPS != 0) {
        throw new IllegalArgumentException(
            "channels must be a multiple of " + GROUPS + " at one level at least, not " + channels);
      }
    }

    /** How many pixels one latent stands for, in each direction. */
    public int stride() {
      return 1 << (multipliers.size() - 1);
    }
  }

  private final Config config;
  private final String prefix;
  private final Map<MapSize, List<Block>> bySize = new ConcurrentHashMap<>();

  /** The encoder; its parameter names start with {@code prefix}, then {@code encoder.}. */
  public FluxEncoder(Config config, String prefix) {
    this.config = config;
    this.prefix = prefix + "encoder.";
  }

  /** The architecture. */
  public Config config() {
    return config;
  }

  /** All parameters. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>();
    blocks(new MapSize(config.stride(), config.stride()))
        .forEach(block -> params.addAll(block.params()));
    return List.copyOf(params);
  }

  /**
   * Draws latents: {@code scale * (mean + std * noise - shift)}.
   *
   * @param pixels [batch, 3, height, width] in [-1, 1]
   * @param noise standard normal, of the latents' shape
   * @return [batch, latent channels, height / stride, width / stride]
   */
  public Value encode(Scope scope, Value pixels, Value noise) {
    List<Block> blocks = bySize.computeIfAbsent(MapSize.of(pixels), this::blocks);
    Value x = pixels;
    for (Block block : blocks.subList(0, blocks.size() - 1)) {
      x = scope.run1(block, x);
    }
    return scope.run1(blocks.get(blocks.size() - 1), x, noise);
  }

  private List<Block> blocks(MapSize picture) {
    List<Block> blocks = new ArrayList<>();
    Shape shape = Shape.of(BATCH, 3, picture.height(), picture.width());
    int in = config.channels();
    for (int i = 0; i < config.multipliers().size(); i++) {
      int out = config.channels() * config.multipliers().get(i);
      int level = i;
      int width = in;
      shape = add(blocks, "flux encoder level " + i, shape, x -> level(x, level, width, out));
      in = out;
    }
    int wide = in;
    Shape coarse = shape;
    Shape latent = coarse.with(1, Dim.of(config.latentChannels()));
    blocks.add(
        Graph.block(
            "flux encoder middle",
            g -> List.of(draw(g.input("x", coarse), g.input("noise", latent), wide))));
    return List.copyOf(blocks);
  }

  private static Shape add(
      List<Block> blocks, String name, Shape input, UnaryOperator<Tensor> body) {
    blocks.add(Graph.block(name, g -> List.of(body.apply(g.input("x", input)))));
    return blocks.get(blocks.size() - 1).outputs().get(0).shape();
  }

  private Tensor level(Tensor x, int level, int in, int out) {
    if (level == 0) {
      x = Conv2d.of(prefix + "conv_in", 3, in, 3, 1, 1).apply(x);
    }
    String name = prefix + "down." + level;
    for (int i = 0; i < config.blocksPerLevel(); i++) {
      x = resnet(name + ".block." + i, i == 0 ? in : out, out).apply(x);
    }
    return level == config.multipliers().size() - 1
        ? x
        : Conv2d.of(name + ".downsample.conv", out, out, 3, 2, 0).apply(x.pad(0, 1, 0, 1));
  }

  private Tensor draw(Tensor x, Tensor noise, int width) {
    x = resnet(prefix + "mid.block_1", width, width).apply(x);
    x = attend(x, width);
    x = resnet(prefix + "mid.block_2", width, width).apply(x);
    x = GroupNorm.of(prefix + "norm_out", width, GROUPS, EPSILON).apply(x).silu();
    x = Conv2d.of(prefix + "conv_out", width, 2 * config.latentChannels(), 3, 1, 1).apply(x);
    List<Tensor> halves = x.chunk(1, 2);
    Tensor sample = halves.get(0).plus(halves.get(1).times(0.5).exp().times(noise));
    return sample.minus(config.shift()).times(config.scale());
  }

  private static ResnetBlock resnet(String name, int in, int out) {
    return new ResnetBlock(
        GroupNorm.of(name + ".norm1", in, GROUPS, EPSILON),
        Conv2d.of(name + ".conv1", in, out, 3, 1, 1),
        null,
        GroupNorm.of(name + ".norm2", out, GROUPS, EPSILON),
        Conv2d.of(name + ".conv2", out, out, 3, 1, 1),
        in == out ? null : Conv2d.of(name + ".nin_shortcut", in, out, 1, 1, 0));
  }

  /** Attention of all places to all, its projections 1x1 convolutions. */
  private Tensor attend(Tensor x, int width) {
    String name = prefix + "mid.attn_1.";
    Tensor normalised = GroupNorm.of(name + "norm", width, GROUPS, EPSILON).apply(x);
    Tensor query = tokens(Conv2d.of(name + "q", width, width, 1, 1, 0).apply(normalised));
    Tensor key = tokens(Conv2d.of(name + "k", width, width, 1, 1, 0).apply(normalised));
    Tensor value = tokens(Conv2d.of(name + "v", width, width, 1, 1, 0).apply(normalised));
    Tensor mixed = query.attention(key, value, null, false, 1 / Math.sqrt(width)).squeeze(1);
    Tensor map = mixed.transpose(1, 2).reshape(x.shape().dims().toArray());
    return x.plus(Conv2d.of(name + "proj_out", width, width, 1, 1, 0).apply(map));
  }

  /** [batch, width, h, w] to one head, [batch, 1, places, width]. */
  private static Tensor tokens(Tensor x) {
    return x.flatten(2, 3).transpose(1, 2).unsqueeze(1);
  }
}
