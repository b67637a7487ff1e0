package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The mean of an error map inside regions. Each image counts the same, however small its region;
 * one whose region vanishes at the map's size counts as 0.
 */
public final class RegionLoss {

  private static final double EMPTY = 1e-8;
  private static final Dim BATCH = Dim.symbol("batch");

  private final Map<Key, Block> means = new ConcurrentHashMap<>();

  private record Key(long channels, MapSize error, MapSize regions, boolean bySize) {}

  /**
   * The mean.
   *
   * @param error [batch, channels, h, w]
   * @param regions [batch, 1, height, width], 1 inside the region and 0 outside
   * @return a scalar
   */
  public Value mean(Scope scope, Value error, Value regions) {
    return mean(scope, error, regions, true);
  }

  /**
   * The mean over everything of what is inside: an image counts by the size of its region.
   *
   * @param error [batch, channels, h, w]
   * @param regions [batch, 1, height, width], 1 inside the region and 0 outside
   * @return a scalar
   */
  public Value plainMean(Scope scope, Value error, Value regions) {
    return mean(scope, error, regions, false);
  }

  private Value mean(Scope scope, Value error, Value regions, boolean bySize) {
    Key key = new Key(error.shape()[1], MapSize.of(error), MapSize.of(regions), bySize);
    return scope.run1(means.computeIfAbsent(key, RegionLoss::build), error, regions);
  }

  private static Block build(Key key) {
    return Graph.block(
        "mean inside regions",
        g -> {
          MapSize size = key.error;
          Tensor error =
              g.input("error", Shape.of(BATCH, key.channels, size.height(), size.width()));
          Tensor regions =
              g.input("regions", Shape.of(BATCH, 1, key.regions.height(), key.regions.width()));
          Tensor inside = VisualTokenizer.inside(regions, size);
          if (!key.bySize) {
            return List.of(error.times(inside).mean());
          }
          Tensor count = inside.sum(true, 1, 2, 3).plus(EMPTY);
          Tensor weight = inside.times(size.area()).dividedBy(count);
          return List.of(error.times(weight).mean());
        });
  }
}
