package io.deem.perception;

import io.deem.Fidelity;
import io.deem.Image;
import io.deem.RedrawOptions;
import io.deem.diffusion.Sampler;
import io.deem.diffusion.SamplerConfig;
import io.deem.diffusion.SamplingMethod;
import io.deem.diffusion.TimestepSpacing;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.image.Framing;
import io.deem.image.PixelPlanes;
import io.deem.model.DeemNetwork;
import io.deem.model.GuidedDiffusion;
import io.deem.model.LatentDiffusion;
import io.deem.model.RegionLoss;
import io.deem.random.RandomSource;
import java.util.List;
import java.util.stream.Collectors;

/** What the image decoder makes of what the encoder saw. */
final class DiffusionPerception {

  /** Fidelity averages over as many pairs of noise and timestep, the same for every image. */
  private static final int DRAWS = 8;

  private static final int DRAWS_AT_ONCE = 4;
  private static final long FIDELITY_SEED = 20_250_424;

  /** The timesteps of the consistency loss are 200 to 799. */
  private static final int FIRST_TIMESTEP = 200;

  private static final int TIMESTEP_RANGE = 600;

  private final DeemNetwork network;
  private final LatentDiffusion diffusion;
  private final RegionLoss regionLoss = new RegionLoss();

  DiffusionPerception(DeemNetwork network) {
    this.network = network;
    this.diffusion = network.diffusion();
  }

  /** A condition in plain memory: tokens, and maps or none. */
  private record Told(EncodedImage.Part tokens, List<EncodedImage.Part> maps) {
    LatentDiffusion.Condition upload(Scope scope, int times) {
      List<Value> uploaded =
          maps == null
              ? null
              : maps.stream().map(map -> map.upload(scope, times)).collect(Collectors.toList());
      return new LatentDiffusion.Condition(tokens.upload(scope, times), uploaded, null);
    }
  }

  /**
   * The denoiser's error on the most probable latents of an image, told what the encoder saw of it
   * and told nothing; of a region, its error inside.
   */
  Fidelity fidelity(Scope scope, Image image, EncodedImage seen, Watch watch) {
    Value pixels = pixels(scope, image);
    int elements = latents(pixels);
    EncodedImage.Part clean =
        EncodedImage.Part.of(diffusion.encode(scope, pixels, new float[elements]));
    Told sighted = new Told(seen.condition(), seen.seenMaps());
    Told blind = new Told(negative(scope), null);
    RandomSource random = RandomSource.seeded(FIDELITY_SEED);
    EncodedImage.Part region = region(image);
    double loss = 0;
    double blindLoss = 0;
    for (int first = 0; first < DRAWS; first += DRAWS_AT_ONCE) {
      LatentDiffusion.Draws draws = draws(random, first, elements);
      watch.check();
      loss += meanError(scope, clean, sighted, draws, region);
      watch.check();
      blindLoss += meanError(scope, clean, blind, draws, region);
    }
    if (loss == 0 && blindLoss == 0 && region != null) {
      throw new IllegalArgumentException(
          "the region is too small: nothing is left of it at the size of the image decoder's"
              + " latents");
    }
    int batches = DRAWS / DRAWS_AT_ONCE;
    return Fidelity.of(loss / batches, blindLoss / batches);
  }

  /** Some of the draws; the middles of as many equal parts of the range of timesteps. */
  private static LatentDiffusion.Draws draws(RandomSource random, int first, int elements) {
    int[] timesteps = new int[DRAWS_AT_ONCE];
    for (int i = 0; i < DRAWS_AT_ONCE; i++) {
      timesteps[i] = FIRST_TIMESTEP + TIMESTEP_RANGE * (2 * (first + i) + 1) / (2 * DRAWS);
    }
    float[] noise = new float[Math.multiplyExact(elements, DRAWS_AT_ONCE)];
    random.gaussian(noise);
    return new LatentDiffusion.Draws(new float[0], noise, timesteps);
  }

  /** An image's region at the size that the encoder sees; null if it has none. */
  private EncodedImage.Part region(Image image) {
    if (!image.region().isPresent()) {
      return null;
    }
    int side = network.config().imageSize();
    return new EncodedImage.Part(ImageEncoder.mask(image, side), new long[] {1, 1, side, side});
  }

  private double meanError(
      Scope outer,
      EncodedImage.Part clean,
      Told told,
      LatentDiffusion.Draws draws,
      EncodedImage.Part region) {
    try (Scope scope = outer.child()) {
      Value latents = clean.upload(scope, DRAWS_AT_ONCE);
      LatentDiffusion.Condition condition = told.upload(scope, DRAWS_AT_ONCE);
      Value map = diffusion.denoisingError(scope, latents, condition, draws);
      if (region != null) {
        return regionLoss.mean(scope, map, region.upload(scope, DRAWS_AT_ONCE)).scalar();
      }
      float[] errors = map.floats();
      double sum = 0;
      for (float error : errors) {
        sum += error;
      }
      return sum / errors.length;
    }
  }

  /**
   * Drowns an image's latents in noise and denoises them under the condition that the encoder saw,
   * with classifier-free guidance and DDIM.
   */
  Image redraw(Scope scope, Image image, EncodedImage seen, RedrawOptions options, Watch watch) {
    Value pixels = pixels(scope, image);
    RandomSource random = RandomSource.seeded(options.seed());
    float[] latentNoise = new float[latents(pixels)];
    float[] noise = new float[latentNoise.length];
    random.gaussian(latentNoise);
    random.gaussian(noise);
    Value clean = diffusion.encode(scope, pixels, latentNoise);
    int last = diffusion.schedule().timesteps() - 1;
    float[] x = diffusion.schedule().addNoise(clean.floats(), noise, last);
    long[] shape = clean.shape();
    LatentDiffusion.Condition sighted =
        new Told(seen.condition(), seen.seenMaps()).upload(scope, 1);
    // Guidance pushes away from the negative tokens; both sides get the same maps.
    GuidedDiffusion.Guidance guidance =
        options.guidanceScale() > 1
            ? new GuidedDiffusion.Guidance(
                negative(scope).upload(scope, 1), options.guidanceScale())
            : GuidedDiffusion.Guidance.NONE;
    // The spacing that begins where the noise was added, at the last timestep.
    Sampler sampler =
        SamplerConfig.builder(SamplingMethod.DDIM)
            .schedule(diffusion.schedule())
            .predictionType(diffusion.prediction())
            .steps(options.steps())
            .timestepSpacing(TimestepSpacing.TRAILING)
            .build()
            .sampler();
    watch.check();
    x =
        new GuidedDiffusion(diffusion)
            .sample(
                scope,
                x,
                shape,
                sighted,
                guidance,
                sampler,
                random,
                watch.steps("redraw", sampler.size()));
    int side = network.config().drawnSize();
    float[] drawn = diffusion.decode(scope, scope.floats(x, shape));
    return picture(drawn, side);
  }

  /** The picture of pixels from 0 to 1, if they are numbers. */
  static Image picture(float[] pixels, int side) {
    for (float value : pixels) {
      if (Float.isNaN(value)) {
        throw new IllegalStateException("the image decoder's pixels contain NaN");
      }
    }
    return PixelPlanes.toImage(pixels, side, side);
  }

  private Value pixels(Scope scope, Image image) {
    int side = network.config().drawnSize();
    return scope.floats(PixelPlanes.of(Framing.SQUASH.apply(image, side)), 1, 3, side, side);
  }

  private int latents(Value pixels) {
    long elements = 1;
    for (long extent : diffusion.latentShape(pixels.shape())) {
      elements = Math.multiplyExact(elements, extent);
    }
    return Math.toIntExact(elements);
  }

  private EncodedImage.Part negative(Scope outer) {
    try (Scope scope = outer.child()) {
      int queries = network.config().contextResampler().queries();
      int width = network.config().contextResampler().width();
      Value shaped = scope.floats(new float[queries * width], 1, queries, width);
      return EncodedImage.Part.of(network.context().negative(scope, shaped));
    }
  }
}
