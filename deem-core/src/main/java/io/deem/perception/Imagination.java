package io.deem.perception;

import io.deem.DiffusionSampler;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.diffusion.Sampler;
import io.deem.diffusion.SamplerConfig;
import io.deem.diffusion.SamplingMethod;
import io.deem.diffusion.TimestepSpacing;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.ImageConditions;
import io.deem.model.ImageGeneration;
import io.deem.model.InterleavedBatch;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import java.util.List;

/** Draws the image that follows text and images. */
final class Imagination {

  private final DeemNetwork network;
  private final ImageGeneration generation;

  Imagination(DeemNetwork network) {
    this.network = network;
    this.generation = new ImageGeneration(network);
  }

  /** The side of the picture that options ask for, if it can be drawn. */
  int side(ImagineOptions options) {
    if (options.size() == 0) {
      return network.config().drawnSize();
    }
    int step = generation.sizeStep();
    if (options.size() % step != 0) {
      throw new IllegalArgumentException(
          "size must be a multiple of " + step + " for this model, not " + options.size());
    }
    return options.size();
  }

  /**
   * Draws.
   *
   * @param prompt ends in the place of the image to draw
   * @param seen the prompt's images; anything will do for the last
   */
  Image draw(
      Scope scope,
      EncodedPrompt prompt,
      List<EncodedImage> seen,
      ImagineOptions options,
      Watch watch) {
    int side = side(options);
    Sampler sampler = sampler(options);
    RandomSource random = RandomSource.seeded(options.seed());
    ImageConditions.Conditions conditions = conditions(scope, prompt, seen);
    watch.check();
    long elements = 1;
    for (long extent : generation.latentShape(1, side)) {
      elements = Math.multiplyExact(elements, extent);
    }
    float[] noise = new float[Math.toIntExact(elements)];
    random.gaussian(noise);
    float[] pixels =
        generation.draw(
            scope,
            conditions,
            new int[] {seen.size() - 1},
            noise,
            side,
            new ImageGeneration.Options(
                options.guidanceScale(), sampler, random, watch.steps("imagine", sampler.size())));
    return DiffusionPerception.picture(pixels, side);
  }

  private ImageConditions.Conditions conditions(
      Scope scope, EncodedPrompt prompt, List<EncodedImage> seen) {
    InterleavedBatch batch =
        new InterleavedBatch(
            network.config().special(), List.of(prompt.ids()), InterleavedBatch.Padding.LEFT);
    InterleavedText.Sight sight = EncodedImage.upload(scope, seen);
    List<Value> maps = sight.maps();
    return generation.conditions(
        scope,
        batch,
        new VisualTokenizer.Tokens(sight.tokens(), null, maps, maps, null, null, null));
  }

  /** Samplers begin at the last timestep, where there is nothing but noise. */
  private Sampler sampler(ImagineOptions options) {
    SamplerConfig.Builder builder = SamplerConfig.builder(method(options.sampler()));
    if (options.sampler() == DiffusionSampler.DPM_SOLVER_3M) {
      builder.solverOrder(3);
    }
    return builder
        .schedule(network.diffusion().schedule())
        .predictionType(network.diffusion().prediction())
        .steps(options.steps())
        .timestepSpacing(TimestepSpacing.TRAILING)
        .build()
        .sampler();
  }

  private static SamplingMethod method(DiffusionSampler sampler) {
    return switch (sampler) {
      case DDIM -> SamplingMethod.DDIM;
      case DDPM -> SamplingMethod.DDPM;
      case PNDM -> SamplingMethod.PNDM;
      case DPM_SOLVER_2M, DPM_SOLVER_3M -> SamplingMethod.DPM_SOLVER;
      case EULER -> SamplingMethod.EULER;
    };
  }
}
