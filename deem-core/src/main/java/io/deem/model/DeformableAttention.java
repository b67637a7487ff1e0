package io.deem.model;

import io.deem.graph.Dim;
import io.deem.graph.ShapeException;
import io.deem.graph.Tensor;
import io.deem.nn.Linear;
import java.util.List;

/**
 * Multi-scale deformable attention (Zhu et al. 2021, "Deformable DETR"): every query looks at a few
 * learnt places around its own place, in each of several square maps; one softmax is shared by all
 * of them.
 *
 * @param width of queries, features and result
 * @param innerWidth that the heads share, a multiple of {@code heads}
 * @param heads attention heads
 * @param levels maps
 * @param points places per head and map
 * @param prefix put before the names of the weights
 */
record DeformableAttention(
    int width, int innerWidth, int heads, int levels, int points, String prefix) {

  private static final int XY = 2;

  DeformableAttention {
    if (heads < 1 || innerWidth < heads || innerWidth % heads != 0) {
      throw new IllegalArgumentException(
          "the inner width " + innerWidth + " is not a multiple of " + heads + " heads");
    }
  }

  /**
   * Attends.
   *
   * @param query [batch, queries, width]
   * @param places [queries, 2], x and y from 0 to 1 of each query in every map
   * @param features [batch, pixels, width], the maps one after the other, each row by row
   * @param sides of the square maps
   * @return [batch, queries, width]
   */
  Tensor apply(Tensor query, Tensor places, Tensor features, List<Integer> sides) {
    int pixels = sides.stream().mapToInt(side -> side * side).sum();
    if (sides.size() != levels || !features.dim(1).is(pixels)) {
      throw new ShapeException(
          "deformable attention", levels + " maps of sides " + sides, features.shape());
    }
    Dim batch = query.dim(0);
    Dim queries = query.dim(1);
    Dim maps = batch.times(heads);
    int depth = innerWidth / heads;
    Tensor values =
        Linear.of(prefix + "value_proj", width, innerWidth)
            .apply(features)
            .permute(0, 2, 1)
            .reshape(maps, depth, pixels);
    Tensor moves =
        Linear.of(prefix + "sampling_offsets", width, heads * levels * points * XY)
            .apply(query)
            .reshape(batch, queries, heads, levels * points, XY)
            .permute(0, 2, 1, 3, 4); // [batch, heads, queries, levels * points, 2]
    Tensor weights =
        Linear.of(prefix + "attention_weights", width, heads * levels * points)
            .apply(query)
            .reshape(batch, queries, heads, levels * points)
            .softmax(3)
            .permute(0, 2, 1, 3); // [batch, heads, queries, levels * points]
    // Samplers count from -1 to 1.
    Tensor origin = places.times(2).minus(1).reshape(1, 1, queries, 1, XY);

    Tensor sum = null;
    int start = 0;
    for (int level = 0; level < levels; level++) {
      int side = sides.get(level);
      int first = level * points;
      Tensor map = values.slice(2, start, start + side * side).reshape(maps, depth, side, side);
      Tensor grid = moves.slice(3, first, first + points).times(2.0 / side).plus(origin);
      Tensor sampled = map.gridSample(grid.reshape(maps, queries, points, XY));
      Tensor share = weights.slice(3, first, first + points).reshape(maps, 1, queries, points);
      Tensor part = sampled.times(share).sum(false, 3); // [batch * heads, depth, queries]
      sum = sum == null ? part : sum.plus(part);
      start += side * side;
    }
    Tensor joined = sum.reshape(batch, innerWidth, queries).transpose(1, 2);
    return Linear.of(prefix + "output_proj", innerWidth, width).apply(joined);
  }
}
