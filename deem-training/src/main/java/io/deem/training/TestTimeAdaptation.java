package io.deem.training;

import io.deem.diffusion.NoiseSchedule;
import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.LatentDiffusion;
import io.deem.model.RegionLoss;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import io.deem.torch.TorchSession;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * Adapts the image encoder to the very images that it is about to see: a few steps on the
 * denoiser's error on them, then their tokens, then every parameter is what it was before.
 *
 * <p>While it runs, everything else that uses the session sees the adapted weights; give it a
 * session of its own, or keep others waiting.
 */
public final class TestTimeAdaptation {

  private static final double WEIGHT_DECAY = 0.01;

  private final TorchSession session;
  private final VisualTokenizer eyes;
  private final LatentDiffusion diffusion;
  private final Predicate<String> learns;
  private final Config config;
  private final RegionLoss regionLoss = new RegionLoss();
  private final Map<List<Long>, Block> repetitions = new ConcurrentHashMap<>();

  /**
   * How to adapt.
   *
   * @param steps of the optimiser
   * @param samples timesteps for each image and step, evenly spread; a divisor of 1000
   * @param learningRate of every parameter
   * @param regionPlace where the region is cut out while adapting; the tokens that are returned
   *     always come from {@link VisualTokenizer.RegionPlace#AFTER_POSITIONS}
   */
  public record Config(
      int steps, int samples, double learningRate, VisualTokenizer.RegionPlace regionPlace) {

    /** The reference's: 5 steps on 5 samples, 4e-6, the region cut out of the encoder's output. */
    public static final Config REFERENCE =
        new Config(5, 5, 4e-6, VisualTokenizer.RegionPlace.BEFORE_PROJECTION);

    public Config {
      if (steps < 1) {
        throw new IllegalArgumentException("steps must be at least 1, got " + steps);
      }
      if (samples < 1 || TIMESTEPS % samples != 0) {
        throw new IllegalArgumentException(
            "samples must be a divisor of " + TIMESTEPS + ", got " + samples);
      }
      if (!(learningRate > 0 && learningRate < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("learningRate must be positive, got " + learningRate);
      }
    }

    private static final int TIMESTEPS = 1000;
  }

  /**
   * The images to adapt to.
   *
   * @param pixels for the encoder, [images, 3, size, size] from 0 to 1
   * @param drawn the same for the image decoder, [images, 3, size, size] from 0 to 1
   * @param regions [images, 1, size, size], 1 inside the region and 0 outside
   */
  public record Images(float[] pixels, float[] drawn, float[] regions, int count, int size) {}

  /**
   * One step.
   *
   * @param index from 0
   * @param timesteps of the samples, those of the first image first
   * @param loss before the update
   */
  public record Step(int index, int[] timesteps, float loss) {}

  /** Told of each step; ends the adaptation by throwing. */
  public interface StepListener {

    /** Does nothing. */
    StepListener NONE = new StepListener() {};

    /** Called after the backward pass; {@code scope} knows the gradients. */
    default void beforeUpdate(Step step, TrainingScope scope) {}

    /** Called when the parameters have changed. */
    default void afterUpdate(Step step) {}
  }

  /**
   * Adaptation of a model.
   *
   * @param session holds the model's weights
   * @param learns which parameters are adapted, for example {@link io.deem.model.Freezing}
   */
  public TestTimeAdaptation(
      TorchSession session,
      VisualTokenizer eyes,
      LatentDiffusion diffusion,
      Predicate<String> learns,
      Config config) {
    this.session = session;
    this.eyes = eyes;
    this.diffusion = diffusion;
    this.learns = learns;
    this.config = config;
  }

  /**
   * The tokens of images by an encoder that has adapted to them. Whatever happens, every parameter
   * has its old value afterwards, bit for bit.
   *
   * @param scope of the same session; owns the result
   * @param random asked in each step for the first timestep, the latents' noise and the noise
   */
  public VisualTokenizer.Tokens tokens(
      Scope scope, Images images, RandomSource random, StepListener listener) {
    // Loaded before they are saved; what is loaded later has not been changed yet.
    eyes.params().forEach(session::load);
    diffusion.params().forEach(session::load);
    Predicate<String> before = session.trainableNames();
    Map<String, float[]> saved = new HashMap<>();
    for (String name : session.params()) {
      if (learns.test(name)) {
        saved.put(name, session.param(name).floats());
      }
    }
    try {
      session.trainable(name -> saved.containsKey(name));
      adapt(images, random, listener);
      session.trainable(name -> false);
      return eyes.forward(scope, pixels(scope, images), regions(scope, images));
    } finally {
      session.trainable(name -> saved.containsKey(name));
      session.clearGradients();
      saved.forEach(session::set);
      session.trainable(before);
    }
  }

  private void adapt(Images images, RandomSource random, StepListener listener) {
    AdamW.Config constants = new AdamW.Config(0.9, 0.999, 1e-8, 0);
    List<ParameterGroup> one = List.of(new ParameterGroup("", config.learningRate, WEIGHT_DECAY));
    try (AdamW optimizer = new AdamW(session, constants, one, name -> true)) {
      for (int index = 0; index < config.steps; index++) {
        int start = random.uniformInt(Config.TIMESTEPS / config.samples);
        int[] timesteps = timesteps(start, images.count);
        Step step;
        try (TrainingScope scope = session.trainingScope()) {
          Value loss = loss(scope, images, timesteps, random);
          scope.backward(loss);
          step = new Step(index, timesteps, loss.scalar());
          listener.beforeUpdate(step, scope);
        }
        optimizer.step(1);
        listener.afterUpdate(step);
      }
    }
  }

  /** The denoiser's mean error inside the regions, at evenly spread timesteps of each image. */
  private Value loss(Scope scope, Images images, int[] timesteps, RandomSource random) {
    int copies = timesteps.length;
    long latents = copies;
    long[] one = diffusion.latentShape(new long[] {1, 3, images.size, images.size});
    for (long extent : one) {
      latents = Math.multiplyExact(latents, extent);
    }
    float[] latentNoise = new float[Math.toIntExact(latents)];
    float[] noise = new float[latentNoise.length];
    random.gaussian(latentNoise);
    random.gaussian(noise);
    VisualTokenizer.Tokens seen =
        eyes.forward(scope, pixels(scope, images), regions(scope, images), config.regionPlace);
    Value rows = scope.longs(imageOfCopy(images.count), copies);
    LatentDiffusion.Condition condition =
        new LatentDiffusion.Condition(
            repeated(scope, seen.condition(), rows),
            seen.maskedMaps().stream().map(map -> repeated(scope, map, rows)).toList(),
            null);
    Value drawn = scope.floats(images.drawn, images.count, 3, images.size, images.size);
    Value error =
        diffusion.errorMap(
            scope,
            repeated(scope, drawn, rows),
            condition,
            new LatentDiffusion.Draws(latentNoise, noise, timesteps));
    return regionLoss.plainMean(scope, error, repeated(scope, regions(scope, images), rows));
  }

  /** The timesteps of each image's copies, pulled to the middle as in training. */
  private int[] timesteps(int start, int images) {
    int[] timesteps = new int[Math.multiplyExact(images, config.samples)];
    for (int i = 0; i < timesteps.length; i++) {
      int raw = start + i % config.samples * (Config.TIMESTEPS / config.samples);
      timesteps[i] = NoiseSchedule.consistencyTimestep(raw);
    }
    return timesteps;
  }

  private long[] imageOfCopy(int images) {
    long[] rows = new long[images * config.samples];
    Arrays.setAll(rows, i -> i / config.samples);
    return rows;
  }

  private static Value pixels(Scope scope, Images images) {
    return scope.floats(images.pixels, images.count, 3, images.size, images.size);
  }

  private static Value regions(Scope scope, Images images) {
    return scope.floats(images.regions, images.count, 1, images.size, images.size);
  }

  /** Rows of a tensor, each as often as it is named. */
  private Value repeated(Scope scope, Value value, Value rows) {
    long[] shape = value.shape();
    List<Long> rest = Arrays.stream(shape).skip(1).boxed().toList();
    return scope.run1(repetitions.computeIfAbsent(rest, key -> repetition(key)), value, rows);
  }

  private static Block repetition(List<Long> rest) {
    return Graph.block(
        "repeat images",
        g -> {
          Object[] extents = new Object[1 + rest.size()];
          extents[0] = Dim.symbol("images");
          for (int i = 0; i < rest.size(); i++) {
            extents[i + 1] = Math.toIntExact(rest.get(i));
          }
          Tensor value = g.input("value", Shape.of(extents));
          Tensor rows = g.input("rows", Shape.of(Dim.symbol("copies")), DataType.INT64);
          return List.of(value.indexSelect(0, rows));
        });
  }
}
