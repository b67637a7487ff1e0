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
import io.deem.nn.Conv2d;
import io.deem.nn.GroupNorm;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The variational autoencoder of latent diffusion (Rombach et al. 2022, "High-Resolution Image
 * Synthesis with Latent Diffusion Models"; diffusers' {@code AutoencoderKL}): pictures to a normal
 * distribution over latents, and latents to pictures.
 *
 * <p>Pixels are in [-1, 1]. A model of n levels halves the picture n - 1 times, rounding down, so
 * its latents are smaller by {@link #stride()}. Latents here are the autoencoder's own; diffusion
 * works on latents times {@link Config#scalingFactor()}.
 */
public final class AutoencoderKl {

  private static final double EPSILON = 1e-6;
  private static final double LOG_VARIANCE_MIN = -30;
  private static final double LOG_VARIANCE_MAX = 20;
  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * The architecture.
   *
   * @param inChannels of the picture to encode, 3
   * @param outChannels of the decoded picture, 3
   * @param latentChannels 4 in Stable Diffusion
   * @param blockOutChannels the width of each level, finest first
   * @param layersPerBlock residual units a level in the encoder; the decoder has one more
   * @param normNumGroups groups of every norm; divides every width
   * @param scalingFactor brings latents to about unit variance, 0.18215 in Stable Diffusion
   */
  public record Config(
      int inChannels,
      int outChannels,
      int latentChannels,
      List<Integer> blockOutChannels,
      int layersPerBlock,
      int normNumGroups,
      double scalingFactor) {

    public Config {
      blockOutChannels = List.copyOf(blockOutChannels);
      if (blockOutChannels.isEmpty()) {
        throw new IllegalArgumentException("blockOutChannels names no level");
      }
      for (int channels : blockOutChannels) {
        if (channels < 1 || channels % normNumGroups != 0) {
          throw new IllegalArgumentException(
              "blockOutChannels "
                  + blockOutChannels
                  + " are not multiples of normNumGroups "
                  + normNumGroups);
        }
      }
    }
  }

  /**
   * What the encoder says of a picture; all are [batch, channels, height / stride, width / stride].
   *
   * @param mean of the latents
   * @param logvar logarithm of the latents' variance, kept within -30 and 20
   * @param std standard deviation of the latents
   * @param moments mean and unlimited logarithm of the variance, along the channels
   * @param encoderOut the encoder's result before {@code quant_conv}
   */
  public record Moments(Value mean, Value logvar, Value std, Value moments, Value encoderOut) {}

  /** The residual units of one resolution and the convolution to the next, or null at the last. */
  private record Level(List<ResnetBlock> resnets, Conv2d resample) {

    Tensor apply(Tensor x) {
      for (ResnetBlock resnet : resnets) {
        x = resnet.apply(x);
      }
      return x;
    }
  }

  private final Config config;

  private final Conv2d encoderIn;
  private final List<Level> downLevels = new ArrayList<>();
  private final Middle encoderMiddle;
  private final GroupNorm encoderNorm;
  private final Conv2d encoderOut;
  private final Conv2d quantConv;

  private final Conv2d postQuantConv;
  private final Conv2d decoderIn;
  private final Middle decoderMiddle;
  private final List<Level> upLevels = new ArrayList<>();
  private final GroupNorm decoderNorm;
  private final Conv2d decoderOut;

  private final Map<MapSize, List<Block>> encoders = new ConcurrentHashMap<>();
  private final Map<MapSize, List<Block>> decoders = new ConcurrentHashMap<>();
  private final Map<MapSize, Block> samplings = new ConcurrentHashMap<>();

  /**
   * An autoencoder.
   *
   * @param prefix stands before its parameter names, for example {@code
   *     visual_tokenizer.encoder.vae.}
   */
  public AutoencoderKl(Config config, String prefix) {
    this.config = config;
    List<Integer> widths = config.blockOutChannels();
    int levels = widths.size();
    int narrow = widths.get(0);
    int wide = widths.get(levels - 1);
    int latent = config.latentChannels();
    int groups = config.normNumGroups();

    String encoder = prefix + "encoder.";
    encoderIn = Conv2d.of(encoder + "conv_in", config.inChannels(), narrow, 3, 1, 1);
    int channels = narrow;
    for (int i = 0; i < levels; i++) {
      String name = encoder + "down_blocks." + i;
      int out = widths.get(i);
      boolean last = i == levels - 1;
      downLevels.add(
          new Level(
              resnets(name, config.layersPerBlock(), channels, out, groups),
              last ? null : Conv2d.of(name + ".downsamplers.0.conv", out, out, 3, 2, 0)));
      channels = out;
    }
    encoderMiddle = Middle.of(encoder + "mid_block", wide, groups);
    encoderNorm = GroupNorm.of(encoder + "conv_norm_out", wide, groups, EPSILON);
    encoderOut = Conv2d.of(encoder + "conv_out", wide, 2 * latent, 3, 1, 1);
    quantConv = Conv2d.of(prefix + "quant_conv", 2 * latent, 2 * latent, 1, 1, 0);

    String decoder = prefix + "decoder.";
    postQuantConv = Conv2d.of(prefix + "post_quant_conv", latent, latent, 1, 1, 0);
    decoderIn = Conv2d.of(decoder + "conv_in", latent, wide, 3, 1, 1);
    decoderMiddle = Middle.of(decoder + "mid_block", wide, groups);
    for (int i = 0; i < levels; i++) {
      String name = decoder + "up_blocks." + i;
      int out = widths.get(levels - 1 - i);
      boolean last = i == levels - 1;
      upLevels.add(
          new Level(
              resnets(name, config.layersPerBlock() + 1, channels, out, groups),
              last ? null : Conv2d.of(name + ".upsamplers.0.conv", out, out, 3, 1, 1)));
      channels = out;
    }
    decoderNorm = GroupNorm.of(decoder + "conv_norm_out", narrow, groups, EPSILON);
    decoderOut = Conv2d.of(decoder + "conv_out", narrow, config.outChannels(), 3, 1, 1);
  }

  private static List<ResnetBlock> resnets(String name, int count, int in, int out, int groups) {
    List<ResnetBlock> resnets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      resnets.add(
          ResnetBlock.of(name + ".resnets." + i, i == 0 ? in : out, out, 0, groups, EPSILON));
    }
    return resnets;
  }

  /** The architecture. */
  public Config config() {
    return config;
  }

  /** How many pixels of the picture one latent stands for, in each direction. */
  public int stride() {
    return 1 << (config.blockOutChannels().size() - 1);
  }

  /** Every parameter: the encoder's, then the decoder's. */
  public List<Param> params() {
    MapSize picture = new MapSize(stride(), stride());
    return Stream.concat(encoder(picture).stream(), decoder(new MapSize(1, 1)).stream())
        .flatMap(block -> block.params().stream())
        .distinct()
        .collect(Collectors.toList());
  }

  /**
   * The distribution of a picture's latents.
   *
   * @param pixels [batch, in channels, height, width] in [-1, 1], at least {@link #stride()} each
   *     way
   */
  public Moments encode(Scope scope, Value pixels) {
    List<Value> values = List.of(pixels);
    for (Block block : encoders.computeIfAbsent(MapSize.of(pixels), this::encoder)) {
      values = scope.run(block, values);
    }
    return new Moments(values.get(0), values.get(1), values.get(2), values.get(3), values.get(4));
  }

  /**
   * Draws latents: {@code mean + std * noise}.
   *
   * @param mean [batch, latent channels, height, width]
   * @param std of the mean's shape
   * @param noise standard normal, of the mean's shape
   * @return [batch, latent channels, height, width], not multiplied by the scaling factor
   */
  public Value sample(Scope scope, Value mean, Value std, Value noise) {
    Block block = samplings.computeIfAbsent(MapSize.of(mean), this::sampling);
    return scope.run1(block, mean, std, noise);
  }

  /**
   * The picture that latents stand for.
   *
   * @param latents [batch, latent channels, height, width], not multiplied by the scaling factor
   * @return [batch, out channels, height * stride, width * stride], about [-1, 1] but not limited
   */
  public Value decode(Scope scope, Value latents) {
    Value x = latents;
    for (Block block : decoders.computeIfAbsent(MapSize.of(latents), this::decoder)) {
      x = scope.run1(block, x);
    }
    return x;
  }

  // ---------------------------------------------------------------- blocks

  private List<Block> encoder(MapSize picture) {
    List<Block> blocks = new ArrayList<>();
    Shape shape = Shape.of(BATCH, config.inChannels(), picture.height(), picture.width());
    for (int i = 0; i < downLevels.size(); i++) {
      Level level = downLevels.get(i);
      boolean first = i == 0;
      shape =
          add(
              blocks,
              "vae encoder level " + i,
              shape,
              x -> {
                x = level.apply(first ? encoderIn.apply(x) : x);
                return level.resample() == null ? x : level.resample().apply(x.pad(0, 1, 0, 1));
              });
    }
    blocks.add(moments(shape));
    return blocks;
  }

  private Block moments(Shape shape) {
    return Graph.block(
        "vae encoder middle",
        g -> {
          Tensor x = encoderMiddle.apply(g.input("x", shape));
          Tensor out = encoderOut.apply(encoderNorm.apply(x).silu());
          Tensor moments = quantConv.apply(out); // [batch, 2 * latent, height, width]
          List<Tensor> halves = moments.chunk(1, 2);
          Tensor logvar = halves.get(1).clamp(LOG_VARIANCE_MIN, LOG_VARIANCE_MAX);
          return List.of(halves.get(0), logvar, logvar.times(0.5).exp(), moments, out);
        });
  }

  private Block sampling(MapSize size) {
    Shape shape = Shape.of(BATCH, config.latentChannels(), size.height(), size.width());
    return Graph.block(
        "vae sample",
        g -> {
          Tensor mean = g.input("mean", shape);
          Tensor std = g.input("std", shape);
          return List.of(mean.plus(std.times(g.input("noise", shape))));
        });
  }

  private List<Block> decoder(MapSize latents) {
    List<Block> blocks = new ArrayList<>();
    Shape shape = Shape.of(BATCH, config.latentChannels(), latents.height(), latents.width());
    shape =
        add(
            blocks,
            "vae decoder middle",
            shape,
            z -> decoderMiddle.apply(decoderIn.apply(postQuantConv.apply(z))));
    for (int i = 0; i < upLevels.size(); i++) {
      Level level = upLevels.get(i);
      shape =
          add(
              blocks,
              "vae decoder level " + i,
              shape,
              x -> {
                x = level.apply(x);
                return level.resample() == null
                    ? decoderOut.apply(decoderNorm.apply(x).silu())
                    : level.resample().apply(twice(x));
              });
    }
    return blocks;
  }

  private static Tensor twice(Tensor x) {
    return x.resize(Resampling.NEAREST, false, 2 * x.dim(2).value(), 2 * x.dim(3).value());
  }

  /** Adds a block of one input and one result; returns the result's shape. */
  private static Shape add(
      List<Block> blocks, String name, Shape input, UnaryOperator<Tensor> body) {
    blocks.add(Graph.block(name, g -> List.of(body.apply(g.input("x", input)))));
    return blocks.get(blocks.size() - 1).outputs().get(0).shape();
  }

  /** The coarsest resolution: a residual unit, attention of all places to all, a residual unit. */
  private record Middle(
      ResnetBlock first,
      GroupNorm norm,
      Linear query,
      Linear key,
      Linear value,
      Linear out,
      ResnetBlock second) {

    static Middle of(String name, int width, int groups) {
      String attention = name + ".attentions.0";
      return new Middle(
          ResnetBlock.of(name + ".resnets.0", width, width, 0, groups, EPSILON),
          GroupNorm.of(attention + ".group_norm", width, groups, EPSILON),
          Linear.of(attention + ".to_q", width, width),
          Linear.of(attention + ".to_k", width, width),
          Linear.of(attention + ".to_v", width, width),
          Linear.of(attention + ".to_out.0", width, width),
          ResnetBlock.of(name + ".resnets.1", width, width, 0, groups, EPSILON));
    }

    Tensor apply(Tensor x) {
      return second.apply(attend(first.apply(x)));
    }

    private Tensor attend(Tensor x) {
      Dim width = x.dim(1);
      Tensor tokens = norm.apply(x).flatten(2, 3).transpose(1, 2); // [batch, places, width]
      Tensor q = query.apply(tokens).unsqueeze(1); // one head: [batch, 1, places, width]
      Tensor k = key.apply(tokens).unsqueeze(1);
      Tensor v = value.apply(tokens).unsqueeze(1);
      Tensor mixed = q.attention(k, v, null, false, 1 / Math.sqrt(width.value())).squeeze(1);
      return x.plus(out.apply(mixed).transpose(1, 2).reshape(x.shape().dims().toArray()));
    }
  }
}
