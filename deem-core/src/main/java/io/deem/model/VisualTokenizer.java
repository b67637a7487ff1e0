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
import io.deem.image.Normalization;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Images to tokens (Luo et al. 2025, "DEEM"): the image encoder, called sniffer in checkpoints,
 * position embeddings, an optional region mask, and the perceiver resampler, whose result is
 * projected twice, to the language model's tokens and to the diffusion model's condition.
 */
public final class VisualTokenizer {

  private static final double EPSILON = 1e-6;
  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * The sizes that the parts do not fix.
   *
   * @param positionGrid side of the grid of position embeddings; the map at stride 16 of an image
   *     of the training size
   * @param languageWidth width of the language model's tokens
   * @param conditionWidth width of the diffusion model's condition
   * @param maskPooling if present, the resampler also reads tokens that describe the region
   */
  public record Config(
      int positionGrid,
      int languageWidth,
      int conditionWidth,
      Optional<MaskPooling.Config> maskPooling) {

    /** Sizes without tokens for regions. */
    public Config(int positionGrid, int languageWidth, int conditionWidth) {
      this(positionGrid, languageWidth, conditionWidth, Optional.empty());
    }
  }

  /**
   * What images are to the rest of the model.
   *
   * @param tokens for the language model, [batch, queries, language width]
   * @param condition for the diffusion model, [batch, queries, condition width]
   * @param maps of the whole image with positions added, [batch, width, h, w] at strides 4 to 32
   * @param maskedMaps the same, zero outside the region; the same values if there is no region
   * @param encoded what the resampler read, [batch, length, width]
   * @param read what it made of that, [batch, queries, resampler width]
   * @param region how the region was described; null in a model without {@link MaskPooling}
   */
  public record Tokens(
      Value tokens,
      Value condition,
      List<Value> maps,
      List<Value> maskedMaps,
      Value encoded,
      Value read,
      Region region) {}

  /**
   * A region in tokens; see {@link MaskPooling}.
   *
   * @param tokens [batch, maps + 1, width], the first of those that the resampler reads
   * @param pooled for each map its average inside the region, [batch, width]
   * @param shape the resized regions, [batch, 1, side, side]
   */
  public record Region(Value tokens, List<Value> pooled, Value shape) {}

  private final Config config;
  private final String prefix;
  private final ImageEncoder encoder;
  private final PerceiverResampler resampler;
  private final MaskPooling maskPooling;
  private final Block projections;
  private final Map<Key, Block> positions = new ConcurrentHashMap<>();
  private final Map<MapSize, Block> normalisations = new ConcurrentHashMap<>();

  /** Where the tokens outside the region are set to zero. */
  public enum RegionPlace {
    /** After projection and positions, so that they become a norm's bias. */
    AFTER_POSITIONS,
    /** In the encoder's output, so that their positions are left of them. */
    BEFORE_PROJECTION
  }

  /**
   * What placement depends on.
   *
   * @param image the size of the region masks; null for whole images
   */
  private record Key(List<MapSize> maps, MapSize image, RegionPlace place) {}

  /** The network; its parameter names start with {@code prefix}, usually "visual_tokenizer.". */
  public VisualTokenizer(
      Config config, ImageEncoder encoder, PerceiverResampler resampler, String prefix) {
    this.config = config;
    this.encoder = encoder;
    this.resampler = resampler;
    this.prefix = prefix;
    this.maskPooling =
        config
            .maskPooling()
            .map(
                pooling ->
                    new MaskPooling(
                        pooling, encoder.config().featureWidth(), prefix + "feature_extractor."))
            .orElse(null);
    this.projections = Graph.block("visual projections", this::project);
  }

  /**
   * Tokenizes images.
   *
   * @param pixels [batch, 3, height, width] from 0 to 1
   * @param regions [batch, 1, height, width], 1 inside the region and 0 outside, or null for whole
   *     images
   */
  public Tokens forward(Scope scope, Value pixels, Value regions) {
    return forward(scope, pixels, regions, RegionPlace.AFTER_POSITIONS);
  }

  /**
   * Tokenizes images.
   *
   * @param pixels [batch, 3, height, width] from 0 to 1
   * @param regions [batch, 1, height, width], 1 inside the region and 0 outside, or null for whole
   *     images
   * @param place where the region is cut out
   */
  public Tokens forward(Scope scope, Value pixels, Value regions, RegionPlace place) {
    return tokens(scope, features(scope, pixels), pixels, regions, place);
  }

  /**
   * What {@link #forward(Scope, Value, Value)} makes of images whose {@link #trunk} is known.
   *
   * @param trunk of the whole images
   * @param pixels the images; only their size counts
   * @param regions as there
   */
  public Tokens forward(Scope scope, List<Value> trunk, Value pixels, Value regions) {
    ImageEncoder.Features features = encoder.adapted(scope, trunk);
    return tokens(scope, features, pixels, regions, RegionPlace.AFTER_POSITIONS);
  }

  /**
   * What the encoder's trunk makes of images; see {@link ImageEncoder#trunk}.
   *
   * @param pixels [batch, 3, height, width] from 0 to 1
   */
  public List<Value> trunk(Scope scope, Value pixels) {
    return encoder.trunk(scope, normalised(scope, pixels));
  }

  /**
   * What the encoder alone makes of images.
   *
   * @param pixels [batch, 3, height, width] from 0 to 1
   */
  public ImageEncoder.Features features(Scope scope, Value pixels) {
    return encoder.forward(scope, normalised(scope, pixels));
  }

  /** The image encoder. */
  public ImageEncoder encoder() {
    return encoder;
  }

  private Value normalised(Scope scope, Value pixels) {
    return scope.run1(normalisations.computeIfAbsent(MapSize.of(pixels), this::normalise), pixels);
  }

  private Tokens tokens(
      Scope scope, ImageEncoder.Features features, Value pixels, Value regions, RegionPlace place) {
    List<MapSize> sizes = features.maps().stream().map(MapSize::of).collect(Collectors.toList());
    Value inside = regions == null && maskPooling != null ? everywhere(scope, pixels) : regions;
    MapSize image = inside == null ? null : MapSize.of(pixels);
    Block block = positions.computeIfAbsent(new Key(sizes, image, place), this::positions);
    List<Value> inputs = new ArrayList<>(features.maps());
    inputs.add(features.lastHiddenState());
    if (inside != null) {
      inputs.add(inside);
    }
    Iterator<Value> placed = scope.run(block, inputs).iterator();
    Value encoded = placed.next();
    List<Value> maps = next(placed, sizes.size());
    List<Value> masked = inside == null ? maps : next(placed, sizes.size());
    Region region =
        maskPooling == null
            ? null
            : new Region(placed.next(), next(placed, sizes.size()), placed.next());
    Value read = resampler.forward(scope, encoded, null).last();
    List<Value> projected = scope.run(projections, read);
    return new Tokens(projected.get(0), projected.get(1), maps, masked, encoded, read, region);
  }

  private static List<Value> next(Iterator<Value> values, int count) {
    return Stream.generate(values::next).limit(count).collect(Collectors.toList());
  }

  /** The region that is the whole of each image. */
  private static Value everywhere(Scope scope, Value pixels) {
    MapSize size = MapSize.of(pixels);
    int images = Math.toIntExact(pixels.shape()[0]);
    float[] ones = new float[Math.multiplyExact(images, size.area())];
    Arrays.fill(ones, 1);
    return scope.floats(ones, images, 1, size.height(), size.width());
  }

  /** All parameters: the encoder's, the resampler's, then those of this class. */
  public List<Param> params() {
    Set<Param> params = new LinkedHashSet<>(encoder.params());
    params.addAll(resampler.params());
    params.addAll(projections.params());
    int grid = config.positionGrid();
    List<MapSize> sizes = List.of(new MapSize(grid, grid));
    Key key = new Key(sizes, null, RegionPlace.AFTER_POSITIONS);
    params.addAll(placement("position parameters", key, 0).params());
    if (maskPooling != null) {
      params.addAll(maskPooling.params());
    }
    return List.copyOf(params);
  }

  /** The matrices of the resampler's linear layers. */
  public List<Param> resamplerMatrices() {
    return resampler.matrices();
  }

  /** The name of the position table, which never learns: a class row, then the grid row by row. */
  public String positionTable() {
    return prefix + "pos_embed";
  }

  // ---------------------------------------------------------------- blocks

  private Block normalise(MapSize size) {
    return Graph.block(
        "clip normalisation",
        g -> {
          Tensor x = g.input("pixels", Shape.of(BATCH, 3, size.height(), size.width()));
          float[] scale = new float[3];
          for (int i = 0; i < 3; i++) {
            scale[i] = 1 / Normalization.CLIP.deviation()[i];
          }
          Tensor mean = g.constant(Normalization.CLIP.mean(), 1, 3, 1, 1);
          return List.of(x.minus(mean).times(g.constant(scale, 1, 3, 1, 1)));
        });
  }

  private Block positions(Key key) {
    int tokenMap = key.maps.size() == 1 ? 0 : 2;
    return placement("visual positions", key, tokenMap);
  }

  /**
   * Results: the resampler's input, the maps with positions, if there is a region those masked, and
   * if it is described its tokens, the averages of the maps and its shape.
   */
  private Block placement(String name, Key key, int tokenMap) {
    return Graph.block(
        name,
        g -> {
          int width = encoder.config().featureWidth();
          int grid = config.positionGrid();
          Tensor table = g.param(Param.of(positionTable(), 1 + grid * grid, width));
          Tensor gridTable =
              table.slice(0, 1, 1 + grid * grid).reshape(1, grid, grid, width).permute(0, 3, 1, 2);
          List<Tensor> maps = new ArrayList<>();
          for (int i = 0; i < key.maps.size(); i++) {
            MapSize size = key.maps.get(i);
            Tensor map = g.input("map" + i, Shape.of(BATCH, width, size.height(), size.width()));
            maps.add(map.plus(resized(gridTable, size)));
          }
          MapSize tokens = key.maps.get(tokenMap);
          int count = 1 + tokens.height() * tokens.width();
          Tensor hidden = g.input("hidden", Shape.of(BATCH, count, width));
          Tensor regions = key.image == null ? null : g.input("regions", regionShape(key.image));
          boolean first = key.place == RegionPlace.BEFORE_PROJECTION;
          Tensor x = first ? cut(hidden, regions, tokens) : hidden;
          x = Linear.of(prefix + "pos_proj", width, width).apply(x);
          x = LayerNorm.of(prefix + "pos_ln", width, EPSILON).apply(x);
          Tensor gridTokens = resized(gridTable, tokens).flatten(2, 3).transpose(1, 2);
          x = x.plus(Tensor.concat(1, table.slice(0, 0, 1).unsqueeze(0), gridTokens));
          x = first ? x : cut(x, regions, tokens);
          x = LayerNorm.of(prefix + "post_ln", width, EPSILON).apply(x);
          List<Tensor> results = new ArrayList<>(maps);
          if (regions != null) {
            for (int i = 0; i < maps.size(); i++) {
              results.add(maps.get(i).times(inside(regions, key.maps.get(i))));
            }
            x = described(regions, maps, x, results);
          }
          results.add(0, x);
          return results;
        });
  }

  /** Sets tokens outside the region to zero, but the first, which stands for the whole image. */
  private static Tensor cut(Tensor x, Tensor regions, MapSize tokens) {
    if (regions == null) {
      return x;
    }
    Tensor inside = inside(regions, tokens).flatten(2, 3).transpose(1, 2);
    Tensor body = x.slice(1, 1, 1 + tokens.height() * tokens.width()).times(inside);
    return Tensor.concat(1, x.slice(1, 0, 1), body);
  }

  /** Puts the tokens that describe the region, if any, before the others. */
  private Tensor described(Tensor regions, List<Tensor> maps, Tensor tokens, List<Tensor> results) {
    if (maskPooling == null) {
      return tokens;
    }
    MaskPooling.Result region = maskPooling.apply(regions, maps);
    results.add(region.tokens());
    results.addAll(region.pooled());
    results.add(region.shape());
    return Tensor.concat(1, region.tokens(), tokens);
  }

  /** Region masks have the size of the images. */
  private static Shape regionShape(MapSize image) {
    return Shape.of(BATCH, 1, image.height(), image.width());
  }

  /** 1 where any of the region falls on a place of a map of this size, else 0. */
  static Tensor inside(Tensor regions, MapSize size) {
    Tensor share = regions.resize(Resampling.BILINEAR, false, size.height(), size.width());
    Tensor zero = regions.graph().constant(new float[1], 1);
    return zero.lessThan(share).cast(io.deem.graph.DataType.FLOAT);
  }

  private static Tensor resized(Tensor table, MapSize size) {
    return table.resize(Resampling.BICUBIC, false, size.height(), size.width());
  }

  private List<Tensor> project(Graph g) {
    PerceiverResampler.Config read = resampler.config();
    Tensor x = g.input("read", Shape.of(BATCH, read.queries(), read.width()));
    Tensor tokens = Linear.of(prefix + "proj_t", read.width(), config.languageWidth()).apply(x);
    Tensor condition = Linear.of(prefix + "proj_i", read.width(), config.conditionWidth()).apply(x);
    return Arrays.asList(tokens, condition);
  }
}
