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
import io.deem.nn.LayerNorm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Lets the maps of a {@link UNet} look at the feature maps of images: adds to every map that skips,
 * and to the middle's, what its places see through a {@link MultiScaleSynchronizer}. Fresh networks
 * add nothing, as their last convolutions are zero.
 *
 * <pre>{@code
 * unet.forward(scope, sample, timesteps, context,
 *     maps -> mmfs.forward(scope, maps, features, mask));
 * }</pre>
 */
public final class MmfsNet {

  private static final double EPSILON = 1e-6;
  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim IMAGES = Dim.symbol("images");

  /**
   * The architecture.
   *
   * @param blockOutChannels the width of each of the UNet's levels, finest first
   * @param layersPerBlock as in the UNet
   * @param inputChannel the channels of the image features
   * @param attentionWidth the width that the attention heads share, 1024 in DEEM
   * @param heads 16 in DEEM
   * @param points places for each head and level, 8 in DEEM
   * @param maxImages one more than the images that a place can tell apart by their order, 10 in
   *     DEEM
   * @param downsampleFactor 512 divided by the side of the decoded image in pixels
   * @param spatialShapes side of each level's map for images of 512 pixels, finest first; the
   *     UNet's levels have these divided by the factor
   */
  public record Config(
      List<Integer> blockOutChannels,
      int layersPerBlock,
      int inputChannel,
      int attentionWidth,
      int heads,
      int points,
      int maxImages,
      int downsampleFactor,
      List<Integer> spatialShapes) {

    public Config {
      blockOutChannels = List.copyOf(blockOutChannels);
      spatialShapes = List.copyOf(spatialShapes);
      if (blockOutChannels.isEmpty() || spatialShapes.size() < blockOutChannels.size()) {
        throw new IllegalArgumentException(
            "spatialShapes "
                + spatialShapes
                + " has no entry for each of the UNet's levels "
                + blockOutChannels);
      }
      int coarsest = spatialShapes.get(blockOutChannels.size() - 1);
      if (downsampleFactor < 1 || coarsest / downsampleFactor < 1) {
        throw new IllegalArgumentException(
            "downsampleFactor "
                + downsampleFactor
                + " leaves nothing of a map of side "
                + coarsest);
      }
    }
  }

  /** What one map of the UNet passes through. */
  private record Adapter(
      LayerNorm queryNorm,
      LayerNorm featureNorm,
      Param positions,
      int grid,
      MultiScaleSynchronizer synchronizer,
      Conv2d conv) {

    /**
     * What to add to a map.
     *
     * @param map [batch, channels, height, width]
     * @param tokens [batch, images, pixels of all levels, feature channels]
     */
    Tensor apply(Tensor map, Tensor tokens, List<int[]> levelSizes, Tensor mask) {
      int height = map.dim(2).value();
      int width = map.dim(3).value();
      Tensor query = queryNorm.apply(SpatialTransformer.tokens(map)); // [batch, places, channels]
      query = query.plus(positions(map.graph(), height, width));
      int places = height * width;
      Tensor centres = map.graph().constant(centres(height, width), 1, places, 1, 2);
      Tensor seen = synchronizer.apply(query, centres, featureNorm.apply(tokens), levelSizes, mask);
      return conv.apply(seen.transpose(1, 2).reshape(map.shape().dims().toArray()));
    }

    /** The position embedding at the map's size: [places, channels]. */
    private Tensor positions(Graph g, int height, int width) {
      Tensor table = g.param(positions);
      if (height == grid && width == grid) {
        return table;
      }
      return table
          .transpose(0, 1)
          .reshape(1, table.dim(1), grid, grid)
          .resize(Resampling.BICUBIC, false, height, width)
          .reshape(table.dim(1), height * width)
          .transpose(0, 1);
    }

    /** The middle of each pixel as x and y from 0 to 1, row by row. */
    private static float[] centres(int height, int width) {
      float[] centres = new float[2 * height * width];
      for (int i = 0; i < height * width; i++) {
        int row = i / width;
        centres[2 * i] = (i % width + 0.5f) / width;
        centres[2 * i + 1] = (row + 0.5f) / height;
      }
      return centres;
    }
  }

  /** What a block depends on; {@code index} is the adapter's. */
  private record BlockKey(int index, MapSize map, List<MapSize> levels) {}

  private final Config config;

  /** One for each map that skips, and the last one for the middle. */
  private final List<Adapter> adapters = new ArrayList<>();

  private final Map<List<MapSize>, Block> joining = new ConcurrentHashMap<>();
  private final Map<BlockKey, Block> blocks = new ConcurrentHashMap<>();

  /**
   * A network.
   *
   * @param prefix stands before its parameter names, for example {@code
   *     visual_tokenizer.encoder.mmfs_module.}
   */
  public MmfsNet(Config config, String prefix) {
    this.config = config;
    List<Integer> widths = config.blockOutChannels();
    int perLevel = config.layersPerBlock() + 1;
    for (int i = 0; i < widths.size() * perLevel; i++) {
      int level = i / perLevel;
      // Each level's first map comes from the level above, or from the input.
      int width = widths.get(i % perLevel == 0 ? Math.max(level - 1, 0) : level);
      adapters.add(adapter(prefix + "mmfs_down_blocks." + i, width, level));
    }
    int coarsest = widths.size() - 1;
    adapters.add(adapter(prefix + "mmfs_mid_block", widths.get(coarsest), coarsest));
  }

  private Adapter adapter(String name, int width, int level) {
    int grid = config.spatialShapes().get(0) / config.downsampleFactor();
    MultiScaleSynchronizer.Config attention =
        new MultiScaleSynchronizer.Config(
            width,
            config.inputChannel(),
            width,
            config.attentionWidth(),
            1,
            config.heads(),
            config.points(),
            config.maxImages(),
            config.spatialShapes().get(level) / config.downsampleFactor(),
            config.spatialShapes());
    return new Adapter(
        LayerNorm.of(name + ".query_norm", width, EPSILON),
        LayerNorm.of(name + ".feat_norm", config.inputChannel(), EPSILON),
        Param.of(name + ".pos_embed", (long) grid * grid, width),
        grid,
        new MultiScaleSynchronizer(attention, name + ".mmfs."),
        Conv2d.of(name + ".conv", width, width, 1, 1, 0));
  }

  /** The architecture. */
  public Config config() {
    return config;
  }

  /** Every parameter; the names that end in {@code pos_embed} are of tables that do not learn. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>();
    for (Adapter adapter : adapters) {
      params.add(adapter.queryNorm().weight());
      params.add(adapter.queryNorm().bias());
      params.add(adapter.featureNorm().weight());
      params.add(adapter.featureNorm().bias());
      params.add(adapter.positions());
      params.addAll(adapter.synchronizer().params());
      params.add(adapter.conv().weight());
      params.add(adapter.conv().bias());
    }
    return params;
  }

  /**
   * The UNet's maps with what they see of the images added.
   *
   * @param maps of the UNet, between its two ways
   * @param features [batch, images, input channel, height, width] for each level, finest first
   * @param mask [batch, images], integers: 1 for an image to be seen, else 0
   */
  public UNet.Features forward(Scope scope, UNet.Features maps, List<Value> features, Value mask) {
    if (features.size() != config.spatialShapes().size()) {
      throw new IllegalArgumentException(
          "the image features have "
              + features.size()
              + " levels, not "
              + config.spatialShapes().size());
    }
    if (maps.skips().size() != adapters.size() - 1) {
      throw new IllegalArgumentException(
          "the UNet has " + maps.skips().size() + " skips, not " + (adapters.size() - 1));
    }
    List<MapSize> levels = features.stream().map(MmfsNet::sizeOf).collect(Collectors.toList());
    Block join = joining.computeIfAbsent(levels, this::joinBlock);
    Value tokens = scope.run(join, features).get(0);
    List<Value> skips = new ArrayList<>();
    for (int i = 0; i < maps.skips().size(); i++) {
      skips.add(adjust(scope, i, maps.skips().get(i), tokens, levels, mask));
    }
    int middle = adapters.size() - 1;
    return new UNet.Features(skips, adjust(scope, middle, maps.mid(), tokens, levels, mask));
  }

  private Value adjust(
      Scope scope, int index, Value map, Value tokens, List<MapSize> levels, Value mask) {
    BlockKey key = new BlockKey(index, MapSize.of(map), levels);
    return scope.run1(blocks.computeIfAbsent(key, this::adjustBlock), map, tokens, mask);
  }

  private static MapSize sizeOf(Value feature) {
    long[] shape = feature.shape();
    if (shape.length != 5) {
      throw new IllegalArgumentException(
          "image features have the axes batch, image, channel, height and width, not "
              + shape.length
              + " axes");
    }
    return new MapSize(Math.toIntExact(shape[3]), Math.toIntExact(shape[4]));
  }

  // ---------------------------------------------------------------- blocks

  /** The pixels of all levels in one sequence: [batch, images, pixels, channels]. */
  private Block joinBlock(List<MapSize> levels) {
    return Graph.block(
        "mmfs features",
        g -> {
          List<Tensor> tokens = new ArrayList<>();
          for (int i = 0; i < levels.size(); i++) {
            MapSize size = levels.get(i);
            Shape shape =
                Shape.of(BATCH, IMAGES, config.inputChannel(), size.height(), size.width());
            tokens.add(g.input("level" + i, shape).flatten(3, 4).transpose(2, 3));
          }
          return List.of(Tensor.concat(2, tokens));
        });
  }

  private Block adjustBlock(BlockKey key) {
    Adapter adapter = adapters.get(key.index());
    int channels = adapter.conv().weight().shape().dim(0).value();
    int pixels = key.levels().stream().mapToInt(MapSize::area).sum();
    List<int[]> sizes =
        key.levels().stream()
            .map(size -> new int[] {size.height(), size.width()})
            .collect(Collectors.toList());
    return Graph.block(
        key.index() == adapters.size() - 1 ? "mmfs middle" : "mmfs skip " + key.index(),
        g -> {
          MapSize size = key.map();
          Tensor map = g.input("map", Shape.of(BATCH, channels, size.height(), size.width()));
          Tensor tokens = g.input("tokens", Shape.of(BATCH, IMAGES, pixels, config.inputChannel()));
          Tensor mask = g.input("mask", Shape.of(BATCH, IMAGES), DataType.INT64);
          return List.of(map.plus(adapter.apply(map, tokens, sizes, mask)));
        });
  }
}
