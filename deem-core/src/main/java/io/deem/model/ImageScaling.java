package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Resampling;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.image.Normalization;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Images brought to another normalisation and size within a graph. */
public final class ImageScaling {

  /** ImageNet's, which DIVA undoes although its images have CLIP's. */
  public static final Normalization IMAGENET =
      new Normalization(new float[] {0.485f, 0.456f, 0.406f}, new float[] {0.229f, 0.224f, 0.225f});

  private record Key(MapSize from, int side, Normalization by, boolean undo) {}

  private final Map<Key, Block> blocks = new ConcurrentHashMap<>();

  /** Images at another size, bilinear without antialiasing, [batch, 3, side, side]. */
  public Value resized(Scope scope, Value images, int side) {
    return run(scope, images, new Key(MapSize.of(images), side, null, false));
  }

  /** {@code (x - mean) / deviation} of each channel, at another size. */
  public Value normalised(Scope scope, Value images, Normalization by, int side) {
    return run(scope, images, new Key(MapSize.of(images), side, by, false));
  }

  /** {@code x * deviation + mean} of each channel. */
  public Value denormalised(Scope scope, Value images, Normalization by) {
    return run(scope, images, new Key(MapSize.of(images), 0, by, true));
  }

  private Value run(Scope scope, Value images, Key key) {
    return scope.run1(blocks.computeIfAbsent(key, ImageScaling::block), images);
  }

  private static Block block(Key key) {
    return Graph.block(
        "prepare images",
        g -> {
          Shape shape = Shape.of(Dim.symbol("batch"), 3, key.from.height(), key.from.width());
          Tensor x = g.input("images", shape);
          if (key.by != null && key.undo) {
            Tensor deviation = g.constant(key.by.deviation(), 1, 3, 1, 1);
            x = x.times(deviation).plus(g.constant(key.by.mean(), 1, 3, 1, 1));
          } else if (key.by != null) {
            Tensor deviation = g.constant(key.by.deviation(), 1, 3, 1, 1);
            x = x.minus(g.constant(key.by.mean(), 1, 3, 1, 1)).dividedBy(deviation);
          }
          boolean same = key.side == 0 || key.from.equals(new MapSize(key.side, key.side));
          return List.of(
              same ? x.times(1) : x.resize(Resampling.BILINEAR, false, key.side, key.side));
        });
  }
}
