package io.deem.model;

import io.deem.diffusion.NoiseSchedule;
import io.deem.diffusion.PredictionType;
import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Stable Diffusion as DEEM uses it, as the model's image decoder and as the critic of its image
 * encoder: an autoencoder, a UNet that denoises its latents, and multi-scale residuals from images.
 */
public final class LatentDiffusion {

  private static final Dim BATCH = Dim.symbol("batch");

  private final AutoencoderKl autoencoder;
  private final UNet unet;
  private final MmfsNet synchronizer;
  private final NoiseSchedule schedule;
  private final PredictionType prediction;
  private final Map<Scaling, Block> scalings = new ConcurrentHashMap<>();
  private final Map<MapSize, Block> centring = new ConcurrentHashMap<>();
  private final Map<MapSize, Block> noising = new ConcurrentHashMap<>();
  private final Map<MapSize, Block> errors = new ConcurrentHashMap<>();
  private final Map<List<MapSize>, Block> stacking = new ConcurrentHashMap<>();

  private record Scaling(MapSize size, double factor) {}

  /**
   * What one evaluation of the denoiser is drawn from.
   *
   * @param latentNoise standard normal, of the latents' shape, for the autoencoder's distribution
   * @param noise standard normal, of the latents' shape, to be removed again
   * @param timesteps one for each image, from 0 (no noise) to 999
   */
  public record Draws(float[] latentNoise, float[] noise, int[] timesteps) {

    /**
     * Draws in the order of the reference: the latents' noise, the noise, the timesteps.
     *
     * @param latents elements of all latents
     * @param consistency whether timesteps are pulled to the middle, as the consistency loss does
     */
    public static Draws draw(RandomSource random, int images, int latents, boolean consistency) {
      float[] latentNoise = new float[latents];
      float[] noise = new float[latents];
      int[] timesteps = new int[images];
      random.gaussian(latentNoise);
      random.gaussian(noise);
      random.uniformInts(1000, timesteps);
      for (int i = 0; consistency && i < images; i++) {
        timesteps[i] = NoiseSchedule.consistencyTimestep(timesteps[i]);
      }
      return new Draws(latentNoise, noise, timesteps);
    }
  }

  /**
   * A normal distribution of latents before they are scaled.
   *
   * @param mean [batch, latent channels, h, w]
   * @param std of the same shape
   */
  public record Latents(Value mean, Value std) {}

  /**
   * What the denoiser is told.
   *
   * @param tokens [batch, length, condition width]
   * @param maps [batch, width, h, w] at each scale, of one image for each row; null for none
   * @param visible 1 for a row whose maps count, else 0; null if all do
   */
  public record Condition(Value tokens, List<Value> maps, long[] visible) {

    /** Tokens alone. */
    public static Condition of(Value tokens) {
      return new Condition(tokens, null, null);
    }
  }

  /**
   * What the denoiser is given, and what it should say of it.
   *
   * @param latents noisy, [batch, latent channels, h, w]
   * @param target the noise, or the velocity, of the same shape
   */
  public record Noised(Value latents, Value target) {}

  /**
   * One evaluation of the denoiser.
   *
   * @param draws what it was drawn from
   * @param noised what it was given
   * @param predicted what it said
   * @param error the squared error, [batch, latent channels, h, w]
   */
  public record Denoising(Draws draws, Noised noised, Value predicted, Value error) {}

  /** The model; {@code synchronizer} may be null. */
  public LatentDiffusion(
      AutoencoderKl autoencoder,
      UNet unet,
      MmfsNet synchronizer,
      NoiseSchedule schedule,
      PredictionType prediction) {
    this.autoencoder = autoencoder;
    this.unet = unet;
    this.synchronizer = synchronizer;
    this.schedule = schedule;
    this.prediction = prediction;
  }

  /** The noise that belongs to each timestep. */
  public NoiseSchedule schedule() {
    return schedule;
  }

  /** What the UNet predicts. */
  public PredictionType prediction() {
    return prediction;
  }

  /** The autoencoder. */
  public AutoencoderKl autoencoder() {
    return autoencoder;
  }

  /** The denoiser. */
  public UNet unet() {
    return unet;
  }

  /** All parameters. */
  public List<Param> params() {
    List<Param> params = new ArrayList<>(autoencoder.params());
    params.addAll(unet.params());
    if (synchronizer != null) {
      params.addAll(synchronizer.params());
    }
    return params;
  }

  /** The shape of the latents of images [batch, 3, height, width]. */
  public long[] latentShape(long[] images) {
    int stride = autoencoder.stride();
    return new long[] {
      images[0], autoencoder.config().latentChannels(), images[2] / stride, images[3] / stride
    };
  }

  /**
   * Scaled latents of images.
   *
   * @param images [batch, 3, height, width] from 0 to 1
   * @param noise standard normal, of the latents' shape
   */
  public Value encode(Scope scope, Value images, float[] noise) {
    return sample(scope, latents(scope, images), noise);
  }

  /**
   * The distribution of images' latents, which depends on nothing that learns.
   *
   * @param images [batch, 3, height, width] from 0 to 1
   */
  public Latents latents(Scope scope, Value images) {
    AutoencoderKl.Moments moments = autoencoder.encode(scope, centred(scope, images));
    return new Latents(moments.mean(), moments.std());
  }

  /**
   * Scaled latents.
   *
   * @param noise standard normal, of the latents' shape
   */
  public Value sample(Scope scope, Latents latents, float[] noise) {
    Value drawn = scope.floats(noise, latents.mean.shape());
    Value sample = autoencoder.sample(scope, latents.mean, latents.std, drawn);
    return scaled(scope, sample, autoencoder.config().scalingFactor());
  }

  /** Images whose values reach from -1 to 1 instead of from 0 to 1. */
  public Value centred(Scope scope, Value images) {
    return scope.run1(centring.computeIfAbsent(MapSize.of(images), this::centre), images);
  }

  /**
   * The picture of scaled latents.
   *
   * @return [batch, 3, height, width], about 0 to 1 but not limited
   */
  public float[] decode(Scope scope, Value latents) {
    Value plain = scaled(scope, latents, 1 / autoencoder.config().scalingFactor());
    float[] pixels = autoencoder.decode(scope, plain).floats();
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = pixels[i] / 2 + 0.5f;
    }
    return pixels;
  }

  /**
   * The squared error of the denoiser on images.
   *
   * @param images [batch, 3, height, width] from 0 to 1
   * @return [batch, latent channels, h, w]
   */
  public Value errorMap(Scope scope, Value images, Condition condition, Draws draws) {
    return denoisingError(scope, encode(scope, images, draws.latentNoise), condition, draws);
  }

  /** The squared error of the denoiser on scaled latents; see {@link #errorMap}. */
  public Value denoisingError(Scope scope, Value latents, Condition condition, Draws draws) {
    return denoise(scope, latents, condition, draws).error();
  }

  /**
   * Noises latents and asks the denoiser for the noise, or the velocity.
   *
   * @param latents scaled, [batch, latent channels, h, w]
   */
  public Denoising denoise(Scope scope, Value latents, Condition condition, Draws draws) {
    Noised noised = noised(scope, latents, draws);
    long[] steps = Arrays.stream(draws.timesteps).asLongStream().toArray();
    Value timesteps = scope.longs(steps, steps.length);
    Value predicted = predict(scope, noised.latents, timesteps, condition);
    Block error = errors.computeIfAbsent(MapSize.of(latents), this::error);
    return new Denoising(draws, noised, predicted, scope.run1(error, predicted, noised.target));
  }

  /**
   * Latents and noise in the proportions of the drawn timesteps.
   *
   * @param latents scaled, [batch, latent channels, h, w]
   */
  public Noised noised(Scope scope, Value latents, Draws draws) {
    long[] shape = latents.shape();
    int images = draws.timesteps.length;
    float[] signal = new float[images];
    float[] spread = new float[images];
    for (int i = 0; i < images; i++) {
      float alpha = schedule.alphaCumprod(draws.timesteps[i]);
      signal[i] = (float) Math.sqrt(alpha);
      spread[i] = (float) Math.sqrt(1 - alpha);
    }
    List<Value> noised =
        scope.run(
            noising.computeIfAbsent(MapSize.of(latents), this::noise),
            latents,
            scope.floats(draws.noise, shape),
            scope.floats(signal, images, 1, 1, 1),
            scope.floats(spread, images, 1, 1, 1));
    return new Noised(noised.get(0), noised.get(1));
  }

  /** What the UNet predicts for noisy latents; timesteps are integers [batch]. */
  public Value predict(Scope scope, Value noisy, Value timesteps, Condition condition) {
    if (condition.maps == null || synchronizer == null) {
      return unet.forward(scope, noisy, timesteps, condition.tokens).sample();
    }
    List<MapSize> sizes = condition.maps.stream().map(MapSize::of).collect(Collectors.toList());
    Block stack = stacking.computeIfAbsent(sizes, key -> stack(key, condition.maps));
    List<Value> features = scope.run(stack, condition.maps);
    long rows = noisy.shape()[0];
    long[] visible = condition.visible;
    if (visible == null) {
      visible = new long[Math.toIntExact(rows)];
      Arrays.fill(visible, 1);
    }
    Value mask = scope.longs(visible, rows, 1);
    return unet.forward(
            scope,
            noisy,
            timesteps,
            condition.tokens,
            maps -> synchronizer.forward(scope, maps, features, mask))
        .sample();
  }

  // ---------------------------------------------------------------- blocks

  private Block centre(MapSize size) {
    return Graph.block(
        "centre pixels",
        g -> {
          Tensor x = g.input("images", Shape.of(BATCH, 3, size.height(), size.width()));
          return List.of(x.times(2.0).minus(1.0));
        });
  }

  private Value scaled(Scope scope, Value latents, double factor) {
    if (factor == 1) {
      return latents;
    }
    Scaling scaling = new Scaling(MapSize.of(latents), factor);
    return scope.run1(scalings.computeIfAbsent(scaling, this::scale), latents);
  }

  private Block scale(Scaling scaling) {
    Shape shape = latentShape(scaling.size);
    return Graph.block(
        "scale latents", g -> List.of(g.input("latents", shape).times(scaling.factor)));
  }

  private Shape latentShape(MapSize size) {
    int channels = autoencoder.config().latentChannels();
    return Shape.of(BATCH, channels, size.height(), size.width());
  }

  /** Noisy latents, and what the UNet should say of them. */
  private Block noise(MapSize size) {
    return Graph.block(
        "add noise",
        g -> {
          Tensor latents = g.input("latents", latentShape(size));
          Tensor noise = g.input("noise", latentShape(size));
          Tensor signal = g.input("signal", Shape.of(BATCH, 1, 1, 1));
          Tensor spread = g.input("spread", Shape.of(BATCH, 1, 1, 1));
          Tensor noisy = latents.times(signal).plus(noise.times(spread));
          Tensor velocity = noise.times(signal).minus(latents.times(spread));
          return List.of(noisy, prediction == PredictionType.EPSILON ? noise : velocity);
        });
  }

  private Block error(MapSize size) {
    return Graph.block(
        "denoising error",
        g -> {
          Tensor difference =
              g.input("predicted", latentShape(size)).minus(g.input("target", latentShape(size)));
          return List.of(difference.times(difference));
        });
  }

  /** Maps of one image a row, as the synchronizer takes several: [batch, 1, width, h, w]. */
  private static Block stack(List<MapSize> sizes, List<Value> maps) {
    return Graph.block(
        "stack maps",
        g -> {
          List<Tensor> stacked = new ArrayList<>();
          for (int i = 0; i < sizes.size(); i++) {
            MapSize size = sizes.get(i);
            Shape shape = Shape.of(BATCH, maps.get(i).shape()[1], size.height(), size.width());
            stacked.add(g.input("map" + i, shape).unsqueeze(1));
          }
          return stacked;
        });
  }
}
