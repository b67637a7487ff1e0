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
import io.deem.nn.Linear;
import io.deem.random.RandomSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The feedback of DIVA (Wang et al. 2025, "Diffusion Feedback Helps CLIP See Better"): a frozen
 * text-to-image diffusion model, conditioned on an image encoder's class token and some of its
 * local tokens, denoises the very image. The error flows back into the encoder.
 */
public final class DivaFeedback {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim KEPT = Dim.symbol("kept");
  private static final Dim TEXT = Dim.symbol("text");

  /** Which tokens are the condition, and how the text's states join them. */
  public enum Scheme {
    /**
     * OpenAI's CLIP: the class token and as many local ones, drawn with replacement, as make up the
     * text's length; added to the text's states one by one.
     */
    AS_LONG_AS_TEXT,
    /** DFN at 224 pixels and MetaCLIP: all tokens; added to the mean of the text's states. */
    ALL,
    /**
     * DFN at 378 pixels: the class token and half as many local ones as there are, drawn with
     * replacement; added to the mean of the text's states.
     */
    CLASS_AND_HALF;

    /** How many local tokens are drawn; -1 if all are taken. */
    int drawn(int locals, int textLength) {
      return switch (this) {
        case AS_LONG_AS_TEXT -> textLength - 1;
        case ALL -> -1;
        case CLASS_AND_HALF -> locals / 2;
      };
    }
  }

  /**
   * What one evaluation is drawn from.
   *
   * @param timesteps one for each image, from 0 to 999
   * @param noise standard normal, of the latents' shape
   * @param locals which local tokens of each image are kept, from 0; null if all are
   */
  public record Draws(int[] timesteps, float[] noise, int[] locals) {}

  /**
   * One evaluation.
   *
   * @param features the kept tokens, [batch, kept, token width]
   * @param context what the denoiser is told, [batch, kept, condition width]
   * @param denoising what it made of it
   * @param loss the mean squared error, a scalar
   */
  public record Step(
      Value features, Value context, LatentDiffusion.Denoising denoising, Value loss) {}

  private final LatentDiffusion diffusion;
  private final Linear projection;
  private final Scheme scheme;
  private final Block selection;
  private final Block context;
  private final Map<MapSize, Block> means = new ConcurrentHashMap<>();

  /**
   * The feedback of a diffusion model.
   *
   * @param projection from tokens to the width of the condition; it learns with the encoder
   */
  public DivaFeedback(LatentDiffusion diffusion, Linear projection, Scheme scheme) {
    this.diffusion = diffusion;
    this.projection = projection;
    this.scheme = scheme;
    this.selection = Graph.block("kept tokens", this::select);
    this.context = Graph.block("diva condition", this::condition);
  }

  /** The parameters that it adds to the encoder's. */
  public List<Param> params() {
    return List.of(projection.weight(), projection.bias());
  }

  /**
   * Draws in the order of the reference: timesteps, noise, tokens.
   *
   * @param latents elements of all latents
   * @param locals tokens of an image but for the class token
   */
  public Draws draw(RandomSource random, int images, int latents, int locals, int textLength) {
    int[] timesteps = new int[images];
    float[] noise = new float[latents];
    random.uniformInts(diffusion.schedule().timesteps(), timesteps);
    random.gaussian(noise);
    int count = scheme.drawn(locals, textLength);
    int[] kept = count < 0 ? null : new int[Math.multiplyExact(images, count)];
    if (kept != null) {
      random.uniformInts(locals, kept);
    }
    return new Draws(timesteps, noise, kept);
  }

  /**
   * How badly the denoiser removes noise from images when it is told some of their tokens.
   *
   * @param tokens [batch, 1 + locals, token width], the class token first
   * @param latents of the same images, scaled
   * @param text states of a text that says nothing, [1, length, condition width]
   */
  public Step step(Scope scope, Value tokens, Value latents, Value text, Draws draws) {
    Value features =
        draws.locals == null ? tokens : scope.run1(selection, tokens, rows(scope, tokens, draws));
    Value told = scope.run1(context, features, text);
    LatentDiffusion.Denoising denoising =
        diffusion.denoise(
            scope,
            latents,
            LatentDiffusion.Condition.of(told),
            new LatentDiffusion.Draws(new float[0], draws.noise, draws.timesteps));
    Value error = denoising.error();
    Value loss = scope.run1(means.computeIfAbsent(MapSize.of(error), this::mean), error);
    return new Step(features, told, denoising, loss);
  }

  /** The places of the kept tokens among all tokens of the batch, [batch, kept]. */
  private static Value rows(Scope scope, Value tokens, Draws draws) {
    int images = Math.toIntExact(tokens.shape()[0]);
    long length = tokens.shape()[1];
    int count = draws.locals.length / images;
    long[] rows = new long[images * (1 + count)];
    for (int i = 0; i < images; i++) {
      rows[i * (1 + count)] = i * length;
      for (int k = 0; k < count; k++) {
        rows[i * (1 + count) + 1 + k] = i * length + 1 + draws.locals[i * count + k];
      }
    }
    return scope.longs(rows, images, 1 + count);
  }

  // ---------------------------------------------------------------- blocks

  private int tokenWidth() {
    return Math.toIntExact(projection.weight().shape().dim(1).value());
  }

  private List<Tensor> select(Graph g) {
    Tensor tokens = g.input("tokens", Shape.of(BATCH, Dim.symbol("length"), tokenWidth()));
    Tensor rows = g.input("rows", Shape.of(BATCH, KEPT), DataType.INT64);
    Tensor kept = tokens.flatten(0, 1).indexSelect(0, rows.flatten(0, 1));
    return List.of(kept.reshape(BATCH, KEPT, tokenWidth()));
  }

  private List<Tensor> condition(Graph g) {
    boolean oneByOne = scheme == Scheme.AS_LONG_AS_TEXT;
    int width = projection.weight().shape().dim(0).value();
    Tensor features = g.input("features", Shape.of(BATCH, KEPT, tokenWidth()));
    Tensor text = g.input("text", Shape.of(1, oneByOne ? KEPT : TEXT, width));
    return List.of(projection.apply(features).plus(oneByOne ? text : text.mean(true, 1)));
  }

  private Block mean(MapSize size) {
    int channels = diffusion.autoencoder().config().latentChannels();
    return Graph.block(
        "mean error",
        g ->
            List.of(
                g.input("error", Shape.of(BATCH, channels, size.height(), size.width())).mean()));
  }
}
