package io.deem.model;

import io.deem.graph.Param;
import io.deem.graph.Resampling;
import io.deem.graph.Tensor;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.List;

/**
 * What a region is, said in a few tokens of its own: the average of each feature map inside the
 * region, and the region's shape. DEEM's models that were tuned to refer to regions put them before
 * the encoder's tokens ({@code mask_align} in the reference).
 *
 * <p>It is a layer for use inside the blocks of other networks.
 */
public final class MaskPooling {

  /** Keeps the average of an empty region, whose sum is 0, at 0. */
  private static final double EMPTY = 1e-8;

  private static final int LARGEST_SIDE = 1024;

  private final Config config;
  private final Linear mean;
  private final List<Linear> shape;

  /**
   * The sizes that the maps do not fix.
   *
   * @param shapeSide side of the square to which a region is resized before its shape is read
   * @param hidden width inside the network that reads it
   */
  public record Config(int shapeSide, int hidden) {

    /** The published model's. */
    public static final Config PUBLISHED = new Config(112, 1024);

    public Config {
      if (shapeSide < 1 || shapeSide > LARGEST_SIDE || hidden < 1) {
        throw new IllegalArgumentException(
            "maskPooling.shapeSide must be from 1 to "
                + LARGEST_SIDE
                + " and maskPooling.hidden positive, not "
                + shapeSide
                + " and "
                + hidden);
      }
    }
  }

  /**
   * What the layer makes of regions.
   *
   * @param tokens [batch, maps + 1, width]: one for each map, then that of the shape
   * @param pooled for each map its average inside the region, [batch, width]
   * @param shape the resized regions, [batch, 1, side, side]
   */
  record Result(Tensor tokens, List<Tensor> pooled, Tensor shape) {}

  /**
   * The layer.
   *
   * @param width of maps and tokens
   * @param prefix put before the names of the weights, for example {@code
   *     visual_tokenizer.feature_extractor.}
   */
  public MaskPooling(Config config, int width, String prefix) {
    this.config = config;
    this.mean = Linear.of(prefix + "mask_feat_linear", width, width);
    String layers = prefix + "mask_linear.layers.";
    int pixels = config.shapeSide() * config.shapeSide();
    this.shape =
        List.of(
            Linear.of(layers + 0, pixels, config.hidden()),
            Linear.of(layers + 1, config.hidden(), config.hidden()),
            Linear.of(layers + 2, config.hidden(), width));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /** The layer's weights. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>();
    params.add(mean.weight());
    params.add(mean.bias());
    shape.forEach(layer -> params.addAll(List.of(layer.weight(), layer.bias())));
    return params;
  }

  /**
   * Describes regions.
   *
   * @param regions [batch, 1, height, width], 1 inside the region and 0 outside
   * @param maps [batch, width, h, w] each, of the whole image
   */
  Result apply(Tensor regions, List<Tensor> maps) {
    List<Tensor> pooled = new ArrayList<>();
    List<Tensor> tokens = new ArrayList<>();
    for (Tensor map : maps) {
      Tensor inside =
          VisualTokenizer.inside(regions, new MapSize(map.dim(2).value(), map.dim(3).value()));
      Tensor count = inside.sum(false, 2, 3).plus(EMPTY); // [batch, 1]
      Tensor average = map.times(inside).sum(false, 2, 3).dividedBy(count);
      pooled.add(average);
      tokens.add(mean.apply(average).unsqueeze(1));
    }
    int side = config.shapeSide();
    Tensor outline = regions.resize(Resampling.BILINEAR, false, side, side);
    Tensor x = shape.get(0).apply(outline.flatten(1, 3)).relu();
    x = shape.get(1).apply(x).relu();
    tokens.add(shape.get(2).apply(x).unsqueeze(1));
    return new Result(Tensor.concat(1, tokens), List.copyOf(pooled), outline);
  }
}
