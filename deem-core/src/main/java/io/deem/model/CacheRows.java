package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Selects rows of a {@link LlamaCache}, all its layers by one block. */
final class CacheRows {

  private final LlamaDecoder.Config config;
  private final List<Shape> imageShapes;
  private final Block text;
  private final Block images;
  private final Block room;

  /**
   * For the caches of a decoder.
   *
   * @param imageShapes for each layer the shape of its projected images for [batch, images], or
   *     null
   */
  CacheRows(LlamaDecoder.Config config, List<Shape> imageShapes) {
    this.config = config;
    this.imageShapes = new ArrayList<>(imageShapes);
    this.text = Graph.block("cache rows", this::text);
    this.room = Graph.block("cache room", this::room);
    this.images =
        imageShapes.stream().allMatch(shape -> shape == null)
            ? null
            : Graph.block("image rows", this::images);
  }

  LlamaCache select(Scope scope, LlamaCache cache, boolean sameImages, int... rows) {
    Value index = scope.longs(Arrays.stream(rows).asLongStream().toArray(), rows.length);
    List<Value> inputs = new ArrayList<>(List.of(index));
    for (LlamaCache.Entry entry : cache.entries()) {
      inputs.add(entry.keys());
      inputs.add(entry.values());
    }
    List<Value> selected = scope.run(text, inputs);
    List<LlamaCache.Entry> entries = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      Value projected = cache.entries().get(i).images();
      entries.add(new LlamaCache.Entry(selected.get(2 * i), selected.get(2 * i + 1), projected));
    }
    LlamaCache kept = new LlamaCache(List.copyOf(entries), cache.visible(), cache.room());
    return cache.visible() == null || sameImages ? kept : withImages(scope, index, kept);
  }

  private LlamaCache withImages(Scope scope, Value index, LlamaCache cache) {
    List<Value> inputs = new ArrayList<>(List.of(index, cache.visible()));
    cache.entries().stream()
        .map(LlamaCache.Entry::images)
        .filter(projected -> projected != null)
        .forEach(inputs::add);
    List<Value> selected = scope.run(images, inputs);
    List<LlamaCache.Entry> entries = new ArrayList<>();
    int next = 1;
    for (LlamaCache.Entry entry : cache.entries()) {
      Value projected = entry.images() == null ? null : selected.get(next++);
      entries.add(new LlamaCache.Entry(entry.keys(), entry.values(), projected));
    }
    return new LlamaCache(List.copyOf(entries), selected.get(0), cache.room());
  }

  /** A cache of the same tokens with {@code more} further places. */
  LlamaCache withRoom(Scope scope, LlamaCache cache, int more) {
    long batch = cache.entries().get(0).keys().shape()[0];
    long[] shape = {batch, config.keyHeads(), more, config.headWidth()};
    float[] zeros = new float[Math.toIntExact(shape[0] * shape[1] * shape[2] * shape[3])];
    List<Value> inputs = new ArrayList<>(List.of(scope.floats(zeros, shape)));
    for (LlamaCache.Entry entry : cache.entries()) {
      inputs.add(entry.keys());
      inputs.add(entry.values());
    }
    List<Value> roomy = scope.run(room, inputs);
    List<LlamaCache.Entry> entries = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      Value projected = cache.entries().get(i).images();
      entries.add(new LlamaCache.Entry(roomy.get(2 * i), roomy.get(2 * i + 1), projected));
    }
    return new LlamaCache(List.copyOf(entries), cache.visible(), cache.room() + more);
  }

  private List<Tensor> room(Graph g) {
    Dim batch = Dim.symbol("batch");
    Dim past = Dim.symbol("past");
    Dim more = Dim.symbol("more");
    Tensor zeros = g.input("zeros", Shape.of(batch, config.keyHeads(), more, config.headWidth()));
    Shape shape = Shape.of(batch, config.keyHeads(), past, config.headWidth());
    return IntStream.range(0, 2 * config.layers())
        .mapToObj(i -> Tensor.concat(2, g.input("keys or values " + i, shape), zeros))
        .collect(Collectors.toList());
  }

  private List<Tensor> text(Graph g) {
    Tensor index = g.input("rows", Shape.of(Dim.symbol("rows")), DataType.INT64);
    Shape shape =
        Shape.of(Dim.symbol("batch"), config.keyHeads(), Dim.symbol("past"), config.headWidth());
    return IntStream.range(0, 2 * config.layers())
        .mapToObj(i -> g.input("keys or values " + i, shape).indexSelect(0, index))
        .collect(Collectors.toList());
  }

  private List<Tensor> images(Graph g) {
    Dim batch = Dim.symbol("batch");
    Dim rows = Dim.symbol("rows");
    Dim count = Dim.symbol("images");
    Tensor index = g.input("rows", Shape.of(rows), DataType.INT64);
    Tensor visible = g.input("visible images", Shape.of(batch, count));
    List<Tensor> selected = new ArrayList<>(List.of(visible.indexSelect(0, index)));
    for (Shape shape : imageShapes) {
      if (shape != null) {
        Tensor projected = g.input("projected images", shape);
        // The layers' shape is batch * images * heads, head width, pixels.
        int heads = config.imageWidth() / shape.dim(1).value();
        selected.add(
            projected
                .reshape(batch, count.times(heads), shape.dim(1), shape.dim(2))
                .indexSelect(0, index)
                .reshape(rows.times(count).times(heads), shape.dim(1), shape.dim(2)));
      }
    }
    return selected;
  }
}
