package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * The language model over text and images: visual tokens take the place of image tokens, and the
 * feature maps go to the gated cross-attention.
 */
public final class InterleavedDecoder {

  /**
   * The most images that a token can tell apart by their order, and so the most that a document may
   * show: the cross-attention's table has one row for each and one for those that are not seen.
   */
  public static final int MOST_IMAGES = LlamaLayer.MAX_IMAGES - 1;

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim LENGTH = Dim.symbol("length");
  private static final Dim IMAGES = Dim.symbol("images");

  private final LlamaDecoder decoder;
  private final TextHead head;
  private final int tokensPerImage;
  private final Block merge;
  private final Block slots;
  private final Map<List<MapSize>, Block> features = new ConcurrentHashMap<>();

  /**
   * A decoder.
   *
   * @param startToken [1, width], added to the embedding of each image's start
   */
  public InterleavedDecoder(
      LlamaDecoder decoder, TextHead head, int tokensPerImage, Param startToken) {
    this.decoder = decoder;
    this.head = head;
    this.tokensPerImage = tokensPerImage;
    this.merge = Graph.block("merge images into text", g -> merge(g, startToken));
    this.slots = Graph.block("images of rows", this::slots);
  }

  /** The language model. */
  public LlamaDecoder decoder() {
    return decoder;
  }

  /** The projection to the vocabulary. */
  public TextHead head() {
    return head;
  }

  /** All parameters. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(decoder.params());
    params.addAll(head.params());
    merge.params().stream().filter(param -> !params.contains(param)).forEach(params::add);
    return params;
  }

  /**
   * Embeds a batch.
   *
   * @param tokens of the batch's images in order, [images, tokens per image, width]; null without
   * @return [rows, length, width]
   */
  public Value embed(Scope scope, InterleavedBatch batch, Value tokens) {
    Value ids = scope.longs(batch.ids(), batch.rows(), batch.length());
    Value embedded = decoder.embed(scope, ids);
    int images = batch.images();
    if (images == 0) {
      return embedded;
    }
    long places = (long) images * tokensPerImage;
    return scope.run1(
        merge,
        embedded,
        tokens,
        scope.longs(batch.imagePlaces(), places),
        scope.longs(batch.startPlaces(), images));
  }

  /**
   * What the cross-attention sees.
   *
   * @param maps of the batch's images in order, [images, width, h, w] at each scale
   * @return null without images
   * @throws IllegalArgumentException if a document shows more than {@link #MOST_IMAGES}
   */
  public LlamaDecoder.Images images(Scope scope, InterleavedBatch batch, List<Value> maps) {
    if (batch.images() == 0 || decoder.config().crossAttentionFrequency() == 0) {
      return null;
    }
    if (batch.mostVisible() > MOST_IMAGES) {
      throw new IllegalArgumentException(
          "a document shows "
              + batch.mostVisible()
              + " images, but the model tells at most "
              + MOST_IMAGES
              + " apart");
    }
    List<MapSize> sizes = maps.stream().map(MapSize::of).collect(Collectors.toList());
    Value joined =
        scope.run1(features.computeIfAbsent(sizes, this::join), maps.toArray(new Value[0]));
    int width = decoder.config().imageWidth();
    int pixels = decoder.config().pixels();
    long rows = batch.rows();
    long perRow = batch.imagesPerRow();
    long all = rows * perRow;
    Value empty =
        scope.floats(new float[Math.toIntExact(all * pixels * width)], rows, perRow, pixels, width);
    Value placed =
        scope.run1(slots, empty, joined, scope.longs(batch.imageSlots(), batch.images()));
    Value visible = scope.floats(batch.visible(), rows, batch.length(), perRow);
    return new LlamaDecoder.Images(placed, visible);
  }

  /**
   * Runs the language model for training: causal, padded on the right.
   *
   * @return the normalised stream, [rows, length, width]
   */
  public Value forward(
      Scope scope, InterleavedBatch batch, Value embedded, LlamaDecoder.Images images) {
    long[] positions = new long[batch.length()];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = i;
    }
    Value at = scope.longs(positions, 1, positions.length);
    return decoder.causal(scope, embedded, at, images);
  }

  /** The mean cross entropy of the text that counts; see {@link InterleavedBatch#textTargets}. */
  public Value textLoss(Scope scope, Value stream, InterleavedBatch.TextTargets targets) {
    int count = targets.places().length;
    return head.loss(
        scope, stream, scope.longs(targets.places(), count), scope.longs(targets.targets(), count));
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> merge(Graph g, Param startToken) {
    int width = decoder.config().width();
    Tensor embedded = g.input("embedded", Shape.of(BATCH, LENGTH, width));
    Tensor tokens = g.input("tokens", Shape.of(IMAGES, tokensPerImage, width));
    Tensor places = g.input("places", Shape.of(IMAGES.times(tokensPerImage)), DataType.INT64);
    Tensor starts = g.input("starts", Shape.of(IMAGES), DataType.INT64);
    Tensor flat = embedded.flatten(0, 1); // [batch * length, width]
    Tensor marked = flat.indexSelect(0, starts).plus(g.param(startToken));
    flat = flat.indexCopy(starts, marked).indexCopy(places, tokens.flatten(0, 1));
    return List.of(flat.reshape(BATCH, LENGTH, width));
  }

  /** The maps that the language model reads, one after the other: [images, pixels, width]. */
  private Block join(List<MapSize> sizes) {
    return Graph.block(
        "image features",
        g -> {
          LlamaDecoder.Config config = decoder.config();
          List<Tensor> parts = new ArrayList<>();
          for (int i = 0; i < sizes.size(); i++) {
            MapSize size = sizes.get(i);
            Tensor map =
                g.input(
                    "map" + i, Shape.of(IMAGES, config.imageWidth(), size.height(), size.width()));
            if (config.spatialShapes().contains(size.width())) {
              parts.add(map.flatten(2, 3).transpose(1, 2));
            }
          }
          return List.of(Tensor.concat(1, parts));
        });
  }

  private List<Tensor> slots(Graph g) {
    Dim perRow = Dim.symbol("perRow");
    int pixels = decoder.config().pixels();
    int width = decoder.config().imageWidth();
    Tensor empty = g.input("empty", Shape.of(BATCH, perRow, pixels, width));
    Tensor joined = g.input("features", Shape.of(IMAGES, pixels, width));
    Tensor at = g.input("slots", Shape.of(IMAGES), DataType.INT64);
    Tensor filled = empty.flatten(0, 1).indexCopy(at, joined);
    return List.of(filled.reshape(BATCH, perRow, pixels, width));
  }
}
