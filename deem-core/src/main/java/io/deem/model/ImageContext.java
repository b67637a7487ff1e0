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
import io.deem.image.PositionTables;
import io.deem.nn.Linear;
import java.util.ArrayList;
import java.util.List;

/**
 * The diffusion model's condition for an image that the language model is about to draw: its output
 * for the text before the image, read by a perceiver resampler.
 */
public final class ImageContext {

  private final PerceiverResampler resampler;
  private final Block gather;
  private final Block replace;
  private final Param negative;

  /**
   * The network.
   *
   * @param languageWidth of the language model's stream
   * @param resampler reads [images, length, language width]
   * @param prefix put before {@code context_feat_proj}, usually empty
   * @param negative [1, queries, condition width], the condition for "nothing in particular"
   */
  public ImageContext(
      int languageWidth, PerceiverResampler resampler, String prefix, Param negative) {
    this.resampler = resampler;
    this.negative = negative;
    Linear projection = Linear.of(prefix + "context_feat_proj", languageWidth, languageWidth);
    this.gather = Graph.block("image contexts", g -> gathering(g, languageWidth, projection));
    this.replace = Graph.block("drop conditions", this::replace);
  }

  /** All parameters. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(gather.params());
    params.addAll(resampler.params());
    params.add(negative);
    return params;
  }

  /**
   * What the resampler reads for the images of a batch: the stream backwards in time, projected,
   * with positions.
   *
   * @param stream the language model's output, [rows, length, width]
   * @return [images, longest, width]
   */
  public Value gather(Scope scope, Value stream, InterleavedBatch.ImageContexts contexts) {
    int images = contexts.lengths().length;
    int longest = contexts.longest();
    float[] mask = new float[contexts.mask().length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = contexts.mask()[i];
    }
    int width = (int) stream.shape()[2];
    return scope.run1(
        gather,
        stream,
        scope.longs(contexts.rows(), (long) images * longest),
        scope.floats(mask, images, longest, 1),
        scope.floats(PositionTables.sincos1d(width, longest), longest, width));
  }

  /**
   * Conditions for the images of a batch.
   *
   * @param gathered what {@link #gather} gave
   * @return [images, queries, condition width]
   */
  public Value read(Scope scope, Value gathered, InterleavedBatch.ImageContexts contexts) {
    Value real = scope.longs(contexts.mask(), contexts.lengths().length, contexts.longest());
    return resampler.forward(scope, gathered, real).last();
  }

  /**
   * Conditions for the images of a batch.
   *
   * @param stream the language model's output, [rows, length, width]
   * @return [images, queries, condition width]
   */
  public Value forward(Scope scope, Value stream, InterleavedBatch.ImageContexts contexts) {
    return read(scope, gather(scope, stream, contexts), contexts);
  }

  /** Conditions, of which those marked are replaced by the negative one. */
  public Value drop(Scope scope, Value conditions, boolean[] dropped) {
    return scope.run1(replace, conditions, scope.bools(dropped, dropped.length, 1, 1));
  }

  /** The negative condition once for each of {@code count} images. */
  public Value negative(Scope scope, Value like) {
    boolean[] all = new boolean[(int) like.shape()[0]];
    java.util.Arrays.fill(all, true);
    return drop(scope, like, all);
  }

  private static List<Tensor> gathering(Graph g, int width, Linear projection) {
    Dim images = Dim.symbol("images");
    Dim longest = Dim.symbol("longest");
    Tensor stream = g.input("stream", Shape.of(Dim.symbol("batch"), Dim.symbol("length"), width));
    Tensor rows = g.input("rows", Shape.of(images.times(longest)), DataType.INT64);
    Tensor mask = g.input("mask", Shape.of(images, longest, 1));
    Tensor positions = g.input("positions", Shape.of(longest, width));
    Tensor context =
        stream.flatten(0, 1).indexSelect(0, rows).reshape(images, longest, width).times(mask);
    return List.of(projection.apply(context).plus(positions));
  }

  private List<Tensor> replace(Graph g) {
    PerceiverResampler.Config config = resampler.config();
    Dim images = Dim.symbol("images");
    Tensor given = g.input("conditions", Shape.of(images, config.queries(), config.width()));
    Tensor dropped = g.input("dropped", Shape.of(images, 1, 1), DataType.BOOL);
    return List.of(dropped.where(g.param(negative), given));
  }
}
