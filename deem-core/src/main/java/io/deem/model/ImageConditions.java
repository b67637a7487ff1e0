package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * What the image decoder is told about each image of a text: the text before it, and the feature
 * maps of the image before it.
 */
public final class ImageConditions {

  private static final Dim BATCH = Dim.symbol("batch");

  private final ImageContext context;
  private final int mapWidth;
  private final Map<MapSize, Block> selections = new ConcurrentHashMap<>();

  ImageConditions(ImageContext context, int mapWidth) {
    this.context = context;
    this.mapWidth = mapWidth;
  }

  /**
   * What the image decoder is told about each image.
   *
   * @param context the text that the resampler reads, [images, longest, language width]
   * @param tokens what it makes of that, [images, queries, condition width]
   * @param maps of the image before, [images, width, h, w] at each scale, zero where there is none
   * @param visible 1 for an image with one before it, else 0
   */
  public record Conditions(Value context, Value tokens, List<Value> maps, long[] visible) {}

  /**
   * The conditions for the images of a text.
   *
   * @param stream the language model's output, [rows, length, width]
   * @param maps of all images, [images, width, h, w] at each scale
   */
  public Conditions of(
      Scope scope, Value stream, List<Value> maps, InterleavedBatch.ImageContexts contexts) {
    int images = contexts.lengths().length;
    long[] previous = new long[images];
    long[] visible = new long[images];
    for (int i = 0; i < images; i++) {
      visible[i] = contexts.previous()[i] >= 0 ? 1 : 0;
      previous[i] = Math.max(0, contexts.previous()[i]);
    }
    Value gathered = context.gather(scope, stream, contexts);
    Value tokens = context.read(scope, gathered, contexts);
    return new Conditions(gathered, tokens, select(scope, maps, previous, visible), visible);
  }

  /** The maps of other images, zero where there is none. */
  private List<Value> select(Scope scope, List<Value> maps, long[] index, long[] visible) {
    float[] keep = new float[index.length];
    for (int i = 0; i < keep.length; i++) {
      keep[i] = visible[i];
    }
    Value rows = scope.longs(index, index.length);
    Value mask = scope.floats(keep, keep.length, 1, 1, 1);
    return maps.stream()
        .map(
            map ->
                scope.run1(
                    selections.computeIfAbsent(MapSize.of(map), this::selection), map, rows, mask))
        .collect(Collectors.toList());
  }

  private Block selection(MapSize size) {
    Dim images = Dim.symbol("images");
    return Graph.block(
        "maps before images",
        g -> {
          Tensor map = g.input("map", Shape.of(BATCH, mapWidth, size.height(), size.width()));
          Tensor index = g.input("index", Shape.of(images), DataType.INT64);
          Tensor mask = g.input("mask", Shape.of(images, 1, 1, 1));
          return List.of(map.indexSelect(0, index).times(mask));
        });
  }
}
