package io.deem.model;

import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.ShapeException;
import io.deem.graph.Tensor;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.List;

/**
 * Multi-image multi-scale deformable attention: every query looks at a few learnt places around a
 * reference point, in each feature map of each image that it may see. One softmax is shared by all
 * places of all images, and by one more choice, the {@code ignore_token}, for looking nowhere.
 *
 * <p>It is a layer for use inside the blocks of other networks. {@link #projectValues} depends on
 * the images alone, so that its result can be kept while text is generated token by token.
 */
public final class MultiScaleSynchronizer {

  /** What is added to the scores of an image that a query must not see. */
  private static final double MASKED = 10_000;

  private static final int XY = 2;

  private final Config config;
  private final Linear queryProjection;
  private final Param relativePositions;
  private final Linear offsets;
  private final Linear scores;
  private final Linear valueProjection;
  private final Linear outputProjection;
  private final Param ignoreToken;

  /**
   * The sizes of a layer.
   *
   * @param queryWidth of each query
   * @param valueWidth of the image features
   * @param outWidth of the result
   * @param modelWidth times {@code ratio}, rounded down, is the width that the heads share
   * @param ratio see {@code modelWidth}
   * @param heads attention heads; divides the inner width
   * @param points places per head, image and level
   * @param maxImages one more than the images that a query can tell apart by their order
   * @param baseSize side of the map in whose pixels learnt offsets are measured
   * @param spatialShapes side of each level's map, for the ratio of its pixels to those of {@code
   *     baseSize}; the maps given may have other sizes
   */
  public record Config(
      int queryWidth,
      int valueWidth,
      int outWidth,
      int modelWidth,
      double ratio,
      int heads,
      int points,
      int maxImages,
      int baseSize,
      List<Integer> spatialShapes) {

    public Config {
      spatialShapes = List.copyOf(spatialShapes);
      int inner = (int) (modelWidth * ratio);
      if (heads < 1 || inner < heads || inner % heads != 0) {
        throw new IllegalArgumentException(
            "the inner width " + inner + " is not a multiple of " + heads + " heads");
      }
      if (points < 1 || baseSize < 1 || spatialShapes.isEmpty()) {
        throw new IllegalArgumentException(
            "points, base size and levels must be positive, not "
                + points
                + ", "
                + baseSize
                + " and "
                + spatialShapes.size());
      }
    }

    /** The width that the heads share. */
    public int innerWidth() {
      return (int) (modelWidth * ratio);
    }

    /** The number of feature maps of an image. */
    public int levels() {
      return spatialShapes.size();
    }
  }

  /**
   * A layer.
   *
   * @param prefix put before the names of the weights, for example {@code "mmfs."}
   */
  public MultiScaleSynchronizer(Config config, String prefix) {
    this.config = config;
    int width = config.queryWidth();
    int inner = config.innerWidth();
    int places = config.heads() * config.points();
    int slots = config.heads() * config.levels() * (config.points() + 1);
    queryProjection = Linear.of(prefix + "dynamic_offset_mask", width, width);
    relativePositions = Param.of(prefix + "query_relpos.weight", config.maxImages(), width);
    offsets = Linear.of(prefix + "sampling_offsets", width, places * XY);
    scores = Linear.of(prefix + "attention_weights", width, slots);
    valueProjection = Linear.of(prefix + "value_proj", config.valueWidth(), inner);
    outputProjection = Linear.of(prefix + "output_proj", inner, config.outWidth());
    ignoreToken = Param.of(prefix + "ignore_token", 1, 1, 1, inner);
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /**
   * Projects image features and attends to them.
   *
   * @param query [batch, queries, query width]
   * @param referencePoints [1 or batch, 1 or queries, 1, 2], x and y from 0 to 1
   * @param values [batch, images, pixels of all levels, value width]; each level in row-major order
   * @param levelSizes height and width of each level's map
   * @param mask [batch, images] or [batch, mask rows, images]: 1 for an image that a query sees,
   *     else 0. If the mask rows are not the queries, the last row holds for all queries
   * @return [batch, queries, out width]
   */
  public Tensor apply(
      Tensor query, Tensor referencePoints, Tensor values, List<int[]> levelSizes, Tensor mask) {
    return attend(query, referencePoints, projectValues(values), levelSizes, mask);
  }

  /**
   * The part of {@link #apply} that does not depend on queries.
   *
   * @param values [batch, images, pixels, value width]
   * @return [batch * images * heads, head width, pixels]
   */
  public Tensor projectValues(Tensor values) {
    Dim maps = values.dim(0).times(values.dim(1)).times(config.heads());
    return valueProjection
        .apply(values)
        .permute(0, 1, 3, 2)
        .reshape(maps, config.innerWidth() / config.heads(), values.dim(2));
  }

  /**
   * The part of {@link #apply} that follows {@link #projectValues}.
   *
   * @param projected [batch * images * heads, head width, pixels]
   */
  public Tensor attend(
      Tensor query, Tensor referencePoints, Tensor projected, List<int[]> levelSizes, Tensor mask) {
    requireLevels(levelSizes, projected.dim(2));
    Graph g = query.graph();
    Tensor visible = visibleImages(mask.cast(DataType.FLOAT), query.dim(1)); // [b, 1 or q, n]
    Tensor order = nearestFirst(visible);
    Tensor shared = queryProjection.apply(query); // [b, q, width]
    Tensor table = g.param(relativePositions);
    Tensor offset = perImage(offsets, shared, table, order); // [b, q, n, h * p * 2]
    Tensor score = perImage(scores, shared, table, order); // [b, q, n, h * levels * (p + 1)]
    Attention attention = attention(score, visible);
    Tensor sum = sample(projected, levelSizes, offset, referencePoints, attention);

    int depth = config.innerWidth() / config.heads();
    Tensor nowhere = g.param(ignoreToken).reshape(1, config.heads(), depth, 1);
    Tensor mixed = sum.plus(attention.ignored.times(nowhere)); // [b, h, d, q]
    return outputProjection.apply(
        mixed.permute(0, 3, 1, 2).reshape(query.dim(0), query.dim(1), config.innerWidth()));
  }

  /** The layer's weights. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>();
    for (Linear linear :
        List.of(queryProjection, offsets, scores, valueProjection, outputProjection)) {
      params.add(linear.weight());
      params.add(linear.bias());
    }
    params.add(relativePositions);
    params.add(ignoreToken);
    return params;
  }

  private void requireLevels(List<int[]> sizes, Dim pixels) {
    int sum = sizes.stream().mapToInt(size -> size[0] * size[1]).sum();
    if (sizes.size() != config.levels() || !pixels.is(sum)) {
      throw new ShapeException(
          "feature maps",
          config.levels() + " levels of together " + sum + " pixels",
          sizes.size() + " levels of together " + pixels + " pixels");
    }
  }

  private static Tensor visibleImages(Tensor mask, Dim queries) {
    if (mask.shape().rank() == 2) {
      return mask.unsqueeze(1);
    }
    Dim rows = mask.dim(1);
    return rows.equals(queries) || rows.is(1) ? mask : mask.slice(1, rows.plus(-1), rows);
  }

  /** 1 for the last visible image, 2 for the one before it, and so on; 0 for invisible ones. */
  private static Tensor nearestFirst(Tensor visible) {
    Tensor later = visible.sum(true, -1).minus(visible.cumulativeSum(-1));
    return later.plus(1).times(visible).cast(DataType.INT64);
  }

  /**
   * {@code linear(shared + table[order])}. The table passes through the layer by itself, so that
   * the queries need to only once for all images.
   */
  private static Tensor perImage(Linear linear, Tensor shared, Tensor table, Tensor order) {
    Tensor ofImages = new Linear(linear.weight(), null).apply(table);
    return linear.apply(shared).unsqueeze(2).plus(ofImages.embedding(order));
  }

  /**
   * Where a query looks.
   *
   * @param places [batch, heads, queries, images, levels, points]
   * @param ignored [batch, heads, 1, queries]: what is left for the ignore token
   */
  private record Attention(Tensor places, Tensor ignored) {}

  /**
   * The network has a slot of score {@code -log(images * levels)} for ignoring each level of each
   * image. Their exponentials add up to 1, so that one slot of score 0 stands for all of them.
   */
  private Attention attention(Tensor score, Tensor visible) {
    Dim batch = score.dim(0);
    Dim queries = score.dim(1);
    Dim images = score.dim(2);
    int heads = config.heads();
    int points = config.points();
    Dim places = images.times(config.levels()).times(points);
    Tensor hidden = visible.minus(1).times(MASKED).unsqueeze(3).unsqueeze(4).unsqueeze(5);
    Tensor seen =
        score
            .reshape(batch, queries, images, heads, config.levels(), points + 1)
            .slice(5, 0, points)
            .plus(hidden)
            .permute(0, 3, 1, 2, 4, 5)
            .reshape(batch, heads, queries, places);
    Tensor ignore =
        score.graph().constant(new float[] {0}, 1, 1, 1, 1).expand(batch, heads, queries, 1);
    Tensor weights = Tensor.concat(3, seen, ignore).softmax(3);
    return new Attention(
        weights.slice(3, 0, places).reshape(batch, heads, queries, images, config.levels(), points),
        weights.slice(3, places, places.plus(1)).transpose(2, 3));
  }

  /** The weighted sum of samples: [batch, heads, head width, queries]. */
  private Tensor sample(
      Tensor projected,
      List<int[]> levelSizes,
      Tensor offset,
      Tensor referencePoints,
      Attention attention) {
    Dim batch = offset.dim(0);
    Dim queries = offset.dim(1);
    Dim images = offset.dim(2);
    int heads = config.heads();
    int points = config.points();
    Dim maps = batch.times(images).times(heads);
    int depth = config.innerWidth() / heads;
    Tensor moves =
        offset
            .reshape(batch, queries, images, heads, points, XY)
            .permute(0, 2, 3, 1, 4, 5); // [b, n, h, q, p, 2]
    Tensor origin =
        referencePoints
            .times(2)
            .minus(1)
            .reshape(referencePoints.dim(0), 1, 1, referencePoints.dim(1), 1, XY);

    Tensor sum = null;
    int start = 0;
    for (int level = 0; level < config.levels(); level++) {
      int height = levelSizes.get(level)[0];
      int width = levelSizes.get(level)[1];
      Tensor map =
          projected.slice(2, start, start + height * width).reshape(maps, depth, height, width);
      Tensor grid = inLevel(moves, level, height, width).plus(origin);
      Tensor sampled = map.gridSample(grid.reshape(maps, queries, points, XY)); // [bnh, d, q, p]
      Tensor weights =
          attention
              .places
              .slice(4, level, level + 1)
              .permute(0, 3, 1, 4, 2, 5)
              .reshape(maps, 1, queries, points);
      Tensor part = sampled.times(weights).sum(false, 3); // [bnh, d, q]
      sum = sum == null ? part : sum.plus(part);
      start += height * width;
    }
    return sum.reshape(batch, images, heads, depth, queries).sum(false, 1);
  }

  /** Offsets in units in which a map of the level extends from -1 to 1. */
  private Tensor inLevel(Tensor moves, int level, int height, int width) {
    double scale = 2.0 * config.spatialShapes().get(level) / config.baseSize();
    if (height == width) {
      return moves.times(scale / width);
    }
    float[] scales = {(float) (scale / width), (float) (scale / height)};
    return moves.times(moves.graph().constant(scales, XY));
  }
}
