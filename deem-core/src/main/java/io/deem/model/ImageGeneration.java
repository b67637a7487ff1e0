package io.deem.model;

import io.deem.diffusion.Sampler;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.random.NoiseSource;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Draws the images that stand in a text, each from the text of its row before it and the image
 * before it. As in the reference an image's text begins where its row does.
 */
public final class ImageGeneration {

  private final DeemNetwork network;
  private final GuidedDiffusion diffusion;

  /** Drawing with a network. */
  public ImageGeneration(DeemNetwork network) {
    this.network = network;
    this.diffusion = new GuidedDiffusion(network.diffusion());
  }

  /**
   * How to draw.
   *
   * @param guidanceScale 1 or less for no guidance; the reference's is 3.5
   * @param sampler not used before
   * @param noise asked by samplers that add noise
   * @param listener told of each step
   */
  public record Options(
      double guidanceScale,
      Sampler sampler,
      NoiseSource noise,
      GuidedDiffusion.StepListener listener) {}

  /**
   * What the image decoder is told about every image of a text.
   *
   * @param seen of all images of the text, also of those to be drawn, for which anything will do:
   *     no image's own maps count for it
   */
  public ImageConditions.Conditions conditions(
      Scope scope, InterleavedBatch batch, VisualTokenizer.Tokens seen) {
    Value stream = network.read(scope, batch, seen);
    return network.conditions().of(scope, stream, seen.maps(), batch.imageContexts(true));
  }

  /**
   * Draws some of the images.
   *
   * @param conditions of all images of a text
   * @param chosen the numbers of the images to draw
   * @param noise to start from, standard normal, of {@link #latentShape}
   * @return the pixels, [chosen images, 3, size, size] from 0 to 1
   */
  public float[] draw(
      Scope scope,
      ImageConditions.Conditions conditions,
      int[] chosen,
      float[] noise,
      Options options) {
    return draw(scope, conditions, chosen, noise, network.config().drawnSize(), options);
  }

  /**
   * Draws some of the images, at another size than that of training.
   *
   * @param noise to start from, standard normal, of {@link #latentShape(int, int)}
   * @param side of the square images, in pixels; a multiple of {@link #sizeStep}
   * @return the pixels, [chosen images, 3, side, side] from 0 to 1
   */
  public float[] draw(
      Scope scope,
      ImageConditions.Conditions conditions,
      int[] chosen,
      float[] noise,
      int side,
      Options options) {
    LatentDiffusion.Condition told =
        new LatentDiffusion.Condition(
            rows(scope, conditions.tokens(), chosen),
            conditions.maps().stream()
                .map(map -> rows(scope, map, chosen))
                .collect(Collectors.toList()),
            Arrays.stream(chosen).mapToLong(image -> conditions.visible()[image]).toArray());
    float[] start = noise.clone();
    for (int i = 0; i < start.length; i++) {
      start[i] *= options.sampler.initNoiseSigma();
    }
    GuidedDiffusion.Guidance guidance =
        options.guidanceScale > 1
            ? new GuidedDiffusion.Guidance(
                network.context().negative(scope, told.tokens()), options.guidanceScale)
            : GuidedDiffusion.Guidance.NONE;
    long[] shape = latentShape(chosen.length, side);
    float[] latents =
        diffusion.sample(
            scope, start, shape, told, guidance, options.sampler, options.noise, options.listener);
    float[] pixels = network.diffusion().decode(scope, scope.floats(latents, shape));
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = Math.max(0, Math.min(1, pixels[i]));
    }
    return pixels;
  }

  /** The shape of the latents of as many images: [images, latent channels, h, w]. */
  public long[] latentShape(int images) {
    return latentShape(images, network.config().drawnSize());
  }

  /** Sides of images must be a multiple of this, so that no level of the denoiser cuts a place. */
  public int sizeStep() {
    int levels = network.config().denoiser().blockOutChannels().size();
    long[] latents = network.diffusion().latentShape(new long[] {1, 3, 1 << 16, 1 << 16});
    return Math.toIntExact(((1L << 16) / latents[2]) << (levels - 1));
  }

  /** The shape of the latents of as many images with sides of as many pixels. */
  public long[] latentShape(int images, int side) {
    return network.diffusion().latentShape(new long[] {images, 3, side, side});
  }

  /** Some rows of a tensor. */
  private static Value rows(Scope scope, Value value, int[] chosen) {
    float[] all = value.floats();
    long[] shape = value.shape().clone();
    int width = Math.toIntExact(all.length / shape[0]);
    float[] some = new float[chosen.length * width];
    for (int i = 0; i < chosen.length; i++) {
      System.arraycopy(all, chosen[i] * width, some, i * width, width);
    }
    shape[0] = chosen.length;
    return scope.floats(some, shape);
  }
}
