package io.deem.model;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import io.deem.random.RandomSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The feedback of GenHancer with continuous latents (Ma et al. 2025): a small denoiser that knows
 * nothing at first learns to draw images from an image encoder's class token alone, by rectified
 * flow (Liu et al. 2022); then its error teaches the encoder what the class token lacks.
 */
public final class GenHancerFeedback {

  private static final double EPSILON = 1e-5;
  private static final Dim BATCH = Dim.symbol("batch");

  /**
   * What one evaluation is drawn from.
   *
   * @param times standard normal, one for each image; {@link #time} makes times of them
   * @param noise standard normal, of the shape of the packed latents
   */
  public record Draws(float[] times, float[] noise) {}

  /**
   * One evaluation.
   *
   * @param text the class token as the text, [batch, 1, text width]
   * @param vector the class token as the vector, [batch, vector width]
   * @param noisy latents and noise mixed, [batch, tokens, channels]
   * @param target from the latents to the noise, of the same shape
   * @param predicted what the denoiser made of it
   * @param loss the mean squared error, a scalar
   */
  public record Step(
      Value text, Value vector, Value noisy, Value target, Value predicted, Value loss) {}

  private final FluxTransformer denoiser;
  private final double timeScale;
  private final float guidance;
  private final int tokenWidth;
  private final Block projections;
  private final Block mixing;
  private final Block error;
  private final Map<MapSize, Block> packings = new ConcurrentHashMap<>();
  private final int patch;

  /**
   * The feedback of a denoiser.
   *
   * @param tokenWidth of the class token
   * @param prefix of the two projectors' parameter names, which go on {@code project_clip.} and
   *     {@code project_t5.}
   * @param patch side of the square of latents that makes one token, 2 in FLUX
   * @param timeScale of the normal draws that times are made of, 1 in GenHancer
   * @param guidance that the denoiser is told, 4 in GenHancer
   */
  public GenHancerFeedback(
      FluxTransformer denoiser,
      int tokenWidth,
      String prefix,
      int patch,
      double timeScale,
      double guidance) {
    this.denoiser = denoiser;
    this.tokenWidth = tokenWidth;
    this.patch = patch;
    this.timeScale = timeScale;
    this.guidance = (float) guidance;
    this.projections = Graph.block("class token projections", g -> project(g, prefix));
    this.mixing = Graph.block("mix with noise", this::mix);
    this.error = Graph.block("mean error", this::error);
  }

  /** The parameters of the denoiser and the projectors. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(projections.params());
    params.addAll(denoiser.params());
    return List.copyOf(params);
  }

  /**
   * Draws in the order of the reference: times, noise.
   *
   * @param elements of all packed latents
   */
  public static Draws draw(RandomSource random, int images, int elements) {
    float[] times = new float[images];
    float[] noise = new float[elements];
    random.gaussian(times);
    random.gaussian(noise);
    return new Draws(times, noise);
  }

  /** The time that a normal draw stands for: its sigmoid. */
  public float time(float draw) {
    return (float) (1 / (1 + Math.exp(-timeScale * draw)));
  }

  /**
   * Latents as tokens, a square of them each: [batch, c, h, w] to [batch, h / patch * w / patch, c
   * * patch * patch].
   */
  public Value pack(Scope scope, Value latents) {
    int channels = denoiser.config().channels() / (patch * patch);
    return scope.run1(
        packings.computeIfAbsent(MapSize.of(latents), size -> packing(size, channels)), latents);
  }

  /**
   * How badly the denoiser finds the way from images to noise when it is told their class tokens.
   *
   * @param classToken [batch, token width]
   * @param packed latents, [batch, rows * columns, channels]
   * @param rows of tokens
   * @param columns of tokens
   */
  public Step step(
      Scope scope, Value classToken, Value packed, int rows, int columns, Draws draws) {
    List<Value> projected = scope.run(projections, classToken);
    Value text = projected.get(0);
    Value vector = projected.get(1);
    int images = draws.times.length;
    float[] times = new float[images];
    for (int i = 0; i < images; i++) {
      times[i] = time(draws.times[i]);
    }
    List<Value> mixed =
        scope.run(
            mixing,
            packed,
            scope.floats(draws.noise, packed.shape()),
            scope.floats(times, images, 1, 1));
    Value predicted =
        denoiser.forward(scope, mixed.get(0), rows, columns, text, vector, times, guidance);
    Value loss = scope.run1(error, predicted, mixed.get(1));
    return new Step(text, vector, mixed.get(0), mixed.get(1), predicted, loss);
  }

  // ---------------------------------------------------------------- blocks

  private List<Tensor> project(Graph g, String prefix) {
    FluxTransformer.Config sizes = denoiser.config();
    Tensor token = g.input("class token", Shape.of(BATCH, tokenWidth));
    return List.of(
        projector(token, prefix + "project_t5.", sizes.textWidth()).unsqueeze(1),
        projector(token, prefix + "project_clip.", sizes.vectorWidth()));
  }

  private Tensor projector(Tensor token, String name, int width) {
    Tensor x = LayerNorm.of(name + "0", tokenWidth, EPSILON).apply(token);
    x = Linear.of(name + "1", tokenWidth, width).apply(x).gelu();
    return Linear.of(name + "3", width, width).apply(x);
  }

  private Block packing(MapSize size, int channels) {
    return Graph.block(
        "pack latents",
        g -> {
          int rows = size.height() / patch;
          int columns = size.width() / patch;
          Tensor x = g.input("latents", Shape.of(BATCH, channels, size.height(), size.width()));
          x = x.reshape(BATCH, channels, rows, patch, columns, patch);
          x = x.permute(0, 2, 4, 1, 3, 5); // [batch, rows, columns, c, patch, patch]
          return List.of(x.reshape(BATCH, rows * columns, channels * patch * patch));
        });
  }

  private Shape packed() {
    return Shape.of(BATCH, Dim.symbol("length"), denoiser.config().channels());
  }

  private List<Tensor> mix(Graph g) {
    Tensor image = g.input("image", packed());
    Tensor noise = g.input("noise", packed());
    Tensor time = g.input("time", Shape.of(BATCH, 1, 1));
    Tensor noisy = image.times(time.negate().plus(1.0)).plus(noise.times(time));
    return List.of(noisy, noise.minus(image));
  }

  private List<Tensor> error(Graph g) {
    Tensor difference = g.input("predicted", packed()).minus(g.input("target", packed()));
    return List.of(difference.times(difference).mean());
  }
}
