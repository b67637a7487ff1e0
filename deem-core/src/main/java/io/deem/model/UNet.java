package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
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

/**
 * The denoiser of Stable Diffusion 2.1 (Rombach et al. 2022; diffusers' {@code
 * UNet2DConditionModel}): predicts the noise, or the velocity, in latents at a timestep under a
 * condition.
 *
 * <p>Latents pass down through levels of falling resolution, through a middle, and up again; every
 * map made on the way down skips to the level of its resolution on the way up. Any number of
 * levels; any size of latents, though sizes that halve without remainder are best.
 */
public final class UNet {

  private static final double MAX_PERIOD = 10_000;
  private static final int TIME_EXPANSION = 4;
  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");

  /**
   * The architecture.
   *
   * @param inChannels of the latents
   * @param outChannels of the prediction
   * @param blockOutChannels the width of each level, finest first; the first is even
   * @param attentionHeads the number of heads at each level (what diffusers' configurations call
   *     {@code attention_head_dim})
   * @param crossAttention which levels attend; the middle always does
   * @param crossAttentionDim the width of the condition
   * @param layersPerBlock residual units a level on the way down; on the way up there is one more
   * @param normNumGroups groups of every group norm; divides every width
   * @param normEpsilon of the residual units' norms and the last one, 1e-5 in Stable Diffusion
   */
  public record Config(
      int inChannels,
      int outChannels,
      List<Integer> blockOutChannels,
      List<Integer> attentionHeads,
      List<Boolean> crossAttention,
      int crossAttentionDim,
      int layersPerBlock,
      int normNumGroups,
      double normEpsilon) {

    public Config {
      blockOutChannels = List.copyOf(blockOutChannels);
      attentionHeads = List.copyOf(attentionHeads);
      crossAttention = List.copyOf(crossAttention);
      int levels = blockOutChannels.size();
      if (levels == 0 || attentionHeads.size() != levels || crossAttention.size() != levels) {
        throw new IllegalArgumentException(
            "blockOutChannels, attentionHeads and crossAttention must have an entry for each level,"
                + " not "
                + levels
                + ", "
                + attentionHeads.size()
                + " and "
                + crossAttention.size());
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
      if (blockOutChannels.get(0) % 2 != 0) {
        throw new IllegalArgumentException(
            "the first of blockOutChannels must be even, not " + blockOutChannels.get(0));
      }
    }

    /** The number of resolutions. */
    public int levels() {
      return blockOutChannels.size();
    }

    /** How many maps skip from the way down to the way up. */
    public int skips() {
      return levels() * (layersPerBlock + 1);
    }
  }

  /**
   * The maps between the way down and the way up, [batch, channels, height, width] each.
   *
   * @param skips in the order in which they are made, {@link Config#skips()} of them
   * @param mid the middle's result
   */
  public record Features(List<Value> skips, Value mid) {

    public Features {
      skips = List.copyOf(skips);
    }
  }

  /**
   * The prediction and what led to it.
   *
   * @param sample the prediction, [batch, out channels, height, width]
   * @param timeProjection the sinusoids of the timesteps, [batch, first width]
   * @param timeEmbedding [batch, 4 * first width]
   * @param downs the result of each level on the way down, finest first
   * @param features the maps as the way down and the middle made them
   * @param adjusted the maps that the way up got; the same ones without adjustment
   * @param ups the result of each level on the way up, coarsest first
   */
  public record Output(
      Value sample,
      Value timeProjection,
      Value timeEmbedding,
      List<Value> downs,
      Features features,
      Features adjusted,
      List<Value> ups) {}

  /**
   * One resolution, on either way.
   *
   * @param transformers one after each residual unit, or none
   * @param resample the convolution to the next resolution, or null at the last
   */
  private record Level(
      List<ResnetBlock> resnets, List<SpatialTransformer> transformers, Conv2d resample) {

    Tensor apply(int layer, Tensor x, Tensor time, Tensor context) {
      Tensor y = resnets.get(layer).apply(x, time);
      return transformers.isEmpty() ? y : transformers.get(layer).apply(y, context);
    }
  }

  /** The blocks for one size of latents. */
  private record Blocks(List<Block> down, Block middle, List<Block> up) {}

  private final Config config;
  private final Linear timeIn;
  private final Linear timeOut;
  private final Conv2d convIn;
  private final List<Level> downLevels = new ArrayList<>();
  private final ResnetBlock middleFirst;
  private final SpatialTransformer middleTransformer;
  private final ResnetBlock middleSecond;
  private final List<Level> upLevels = new ArrayList<>();
  private final GroupNorm normOut;
  private final Conv2d convOut;

  private final Block time;
  private final Map<MapSize, Blocks> blocks = new ConcurrentHashMap<>();

  /**
   * A denoiser.
   *
   * @param prefix stands before its parameter names, for example {@code
   *     visual_tokenizer.encoder.unet.}
   */
  public UNet(Config config, String prefix) {
    this.config = config;
    List<Integer> widths = config.blockOutChannels();
    int levels = config.levels();
    int narrow = widths.get(0);
    int wide = widths.get(levels - 1);

    timeIn = Linear.of(prefix + "time_embedding.linear_1", narrow, timeWidth());
    timeOut = Linear.of(prefix + "time_embedding.linear_2", timeWidth(), timeWidth());
    convIn = Conv2d.of(prefix + "conv_in", config.inChannels(), narrow, 3, 1, 1);
    for (int i = 0; i < levels; i++) {
      downLevels.add(downLevel(prefix + "down_blocks." + i, i));
    }
    String middle = prefix + "mid_block";
    middleFirst = resnet(middle + ".resnets.0", wide, wide);
    middleTransformer = transformer(middle + ".attentions.0", levels - 1);
    middleSecond = resnet(middle + ".resnets.1", wide, wide);
    for (int i = 0; i < levels; i++) {
      upLevels.add(upLevel(prefix + "up_blocks." + i, levels - 1 - i));
    }
    normOut =
        GroupNorm.of(
            prefix + "conv_norm_out", narrow, config.normNumGroups(), config.normEpsilon());
    convOut = Conv2d.of(prefix + "conv_out", narrow, config.outChannels(), 3, 1, 1);
    time = timeBlock();
  }

  private Level downLevel(String name, int level) {
    int out = config.blockOutChannels().get(level);
    int in = level == 0 ? out : config.blockOutChannels().get(level - 1);
    List<ResnetBlock> resnets = new ArrayList<>();
    for (int j = 0; j < config.layersPerBlock(); j++) {
      resnets.add(resnet(name + ".resnets." + j, j == 0 ? in : out, out));
    }
    boolean last = level == config.levels() - 1;
    return new Level(
        resnets,
        transformers(name, level, resnets.size()),
        last ? null : Conv2d.of(name + ".downsamplers.0.conv", out, out, 3, 2, 1));
  }

  private Level upLevel(String name, int level) {
    List<Integer> widths = config.blockOutChannels();
    int out = widths.get(level);
    int below = widths.get(Math.min(level + 1, config.levels() - 1));
    int above = widths.get(Math.max(level - 1, 0));
    List<ResnetBlock> resnets = new ArrayList<>();
    for (int j = 0; j <= config.layersPerBlock(); j++) {
      int skip = j == config.layersPerBlock() ? above : out;
      resnets.add(resnet(name + ".resnets." + j, (j == 0 ? below : out) + skip, out));
    }
    return new Level(
        resnets,
        transformers(name, level, resnets.size()),
        level == 0 ? null : Conv2d.of(name + ".upsamplers.0.conv", out, out, 3, 1, 1));
  }

  private List<SpatialTransformer> transformers(String name, int level, int count) {
    List<SpatialTransformer> transformers = new ArrayList<>();
    if (config.crossAttention().get(level)) {
      for (int j = 0; j < count; j++) {
        transformers.add(transformer(name + ".attentions." + j, level));
      }
    }
    return transformers;
  }

  private ResnetBlock resnet(String name, int in, int out) {
    return ResnetBlock.of(name, in, out, timeWidth(), config.normNumGroups(), config.normEpsilon());
  }

  private SpatialTransformer transformer(String name, int level) {
    return SpatialTransformer.of(
        name,
        config.blockOutChannels().get(level),
        config.attentionHeads().get(level),
        config.crossAttentionDim(),
        config.normNumGroups());
  }

  private int timeWidth() {
    return TIME_EXPANSION * config.blockOutChannels().get(0);
  }

  /** The architecture. */
  public Config config() {
    return config;
  }

  /** Every parameter, in the order in which the network uses them. */
  public List<Param> params() {
    int side = 1 << (config.levels() - 1);
    Blocks smallest = blocks(new MapSize(side, side));
    List<Block> all = new ArrayList<>(List.of(time));
    all.addAll(smallest.down());
    all.add(smallest.middle());
    all.addAll(smallest.up());
    return all.stream()
        .flatMap(block -> block.params().stream())
        .distinct()
        .collect(Collectors.toList());
  }

  /**
   * Predicts.
   *
   * @param sample noisy latents, [batch, in channels, height, width]
   * @param timesteps 0 (no noise) to 999, integers, [batch]
   * @param context the condition, [batch, length, cross-attention width]
   */
  public Output forward(Scope scope, Value sample, Value timesteps, Value context) {
    return forward(scope, sample, timesteps, context, UnaryOperator.identity());
  }

  /**
   * Predicts, with a say in what the way up gets.
   *
   * @param sample noisy latents, [batch, in channels, height, width]
   * @param timesteps 0 (no noise) to 999, integers, [batch]
   * @param context the condition, [batch, length, cross-attention width]
   * @param adjustment gives maps of the same shapes, such as {@link MmfsNet}'s
   */
  public Output forward(
      Scope scope,
      Value sample,
      Value timesteps,
      Value context,
      UnaryOperator<Features> adjustment) {
    Blocks sized = blocks.computeIfAbsent(MapSize.of(sample), this::blocks);
    List<Value> times = scope.run(time, timesteps);
    Value activated = times.get(2);

    List<Value> skips = new ArrayList<>();
    List<Value> downs = new ArrayList<>();
    Value x = sample;
    for (Block block : sized.down()) {
      List<Value> maps = run(scope, block, List.of(x, activated), context);
      skips.addAll(maps);
      x = maps.get(maps.size() - 1);
      downs.add(x);
    }
    x = scope.run1(sized.middle(), x, activated, context);

    Features features = new Features(skips, x);
    Features adjusted = adjustment.apply(features);
    x = adjusted.mid();
    int end = adjusted.skips().size();
    List<Value> ups = new ArrayList<>();
    List<Value> last = List.of();
    for (Block block : sized.up()) {
      int start = end - config.layersPerBlock() - 1;
      List<Value> inputs = new ArrayList<>(List.of(x, activated));
      inputs.addAll(adjusted.skips().subList(start, end));
      last = run(scope, block, inputs, context);
      x = last.get(0);
      ups.add(x);
      end = start;
    }
    return new Output(last.get(1), times.get(0), times.get(1), downs, features, adjusted, ups);
  }

  /** Levels that do not attend take no condition. */
  private static List<Value> run(Scope scope, Block block, List<Value> inputs, Value context) {
    List<Value> all = new ArrayList<>(inputs);
    if (block.inputs().size() > inputs.size()) {
      all.add(context);
    }
    return scope.run(block, all);
  }

  // ---------------------------------------------------------------- blocks

  /** Sinusoids of the timesteps (Vaswani et al. 2017), and two layers. */
  private Block timeBlock() {
    int half = config.blockOutChannels().get(0) / 2;
    float[] frequencies = new float[half];
    for (int k = 0; k < half; k++) {
      frequencies[k] = (float) Math.exp(-Math.log(MAX_PERIOD) * k / half);
    }
    return Graph.block(
        "unet time",
        g -> {
          Tensor t = g.input("timesteps", Shape.of(BATCH), DataType.INT64);
          Tensor angles = t.cast(DataType.FLOAT).unsqueeze(1).times(g.constant(frequencies, half));
          Tensor projection = Tensor.concat(1, angles.cos(), angles.sin()); // [batch, first width]
          Tensor embedding = timeOut.apply(timeIn.apply(projection).silu());
          return List.of(projection, embedding, embedding.silu());
        });
  }

  private Blocks blocks(MapSize latents) {
    List<Block> down = new ArrayList<>();
    List<Shape> skips = new ArrayList<>();
    Shape shape = Shape.of(BATCH, config.inChannels(), latents.height(), latents.width());
    for (int i = 0; i < config.levels(); i++) {
      Block block = downBlock(i, shape);
      block.outputs().forEach(skip -> skips.add(skip.shape()));
      shape = skips.get(skips.size() - 1);
      down.add(block);
    }
    Block middle = middleBlock(shape);
    List<Block> up = new ArrayList<>();
    int end = skips.size();
    for (int i = 0; i < config.levels(); i++) {
      int start = end - config.layersPerBlock() - 1;
      up.add(upBlock(i, shape, skips.subList(start, end), start > 0 ? skips.get(start - 1) : null));
      shape = up.get(i).outputs().get(0).shape();
      end = start;
    }
    return new Blocks(down, middle, up);
  }

  /** Returns each map that skips, the last of which is the level's result. */
  private Block downBlock(int index, Shape shape) {
    Level level = downLevels.get(index);
    return Graph.block(
        "unet down " + index,
        g -> {
          Tensor x = g.input("x", shape);
          Tensor activated = g.input("time", Shape.of(BATCH, timeWidth()));
          Tensor context = context(g, level);
          List<Tensor> skips = new ArrayList<>();
          if (index == 0) {
            x = convIn.apply(x);
            skips.add(x);
          }
          for (int j = 0; j < level.resnets().size(); j++) {
            x = level.apply(j, x, activated, context);
            skips.add(x);
          }
          if (level.resample() != null) {
            skips.add(level.resample().apply(x));
          }
          return skips;
        });
  }

  private Block middleBlock(Shape shape) {
    return Graph.block(
        "unet middle",
        g -> {
          Tensor x = g.input("x", shape);
          Tensor activated = g.input("time", Shape.of(BATCH, timeWidth()));
          Tensor context = g.input("context", Shape.of(BATCH, LENGTH, config.crossAttentionDim()));
          x = middleFirst.apply(x, activated);
          x = middleTransformer.apply(x, context);
          return List.of(middleSecond.apply(x, activated));
        });
  }

  /**
   * Returns the level's result; the last level also returns the prediction.
   *
   * @param skips of this level, in the order in which they were made
   * @param next the last skip of the finer level, whose size the result has, or null
   */
  private Block upBlock(int index, Shape shape, List<Shape> skips, Shape next) {
    Level level = upLevels.get(index);
    return Graph.block(
        "unet up " + index,
        g -> {
          Tensor x = g.input("x", shape);
          Tensor activated = g.input("time", Shape.of(BATCH, timeWidth()));
          List<Tensor> left = new ArrayList<>();
          for (int j = 0; j < skips.size(); j++) {
            left.add(g.input("skip" + j, skips.get(j)));
          }
          Tensor context = context(g, level);
          for (int j = 0; j < level.resnets().size(); j++) {
            Tensor skip = left.get(left.size() - 1 - j);
            x = level.apply(j, Tensor.concat(1, x, skip), activated, context);
          }
          if (level.resample() == null) {
            return List.of(x, convOut.apply(normOut.apply(x).silu()));
          }
          // Halving rounds up, so that doubling may be one pixel too many: hence the skip's size.
          int height = next.dim(2).value();
          int width = next.dim(3).value();
          return List.of(
              level.resample().apply(x.resize(Resampling.NEAREST, false, height, width)));
        });
  }

  private Tensor context(Graph g, Level level) {
    return level.transformers().isEmpty()
        ? null
        : g.input("context", Shape.of(BATCH, LENGTH, config.crossAttentionDim()));
  }
}
