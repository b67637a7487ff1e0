package io.deem.model;

import io.deem.diffusion.Sampler;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.random.NoiseSource;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Turns noise into latents under a condition, with classifier-free guidance (Ho and Salimans 2021):
 * each prediction is pushed away from what the denoiser says under a negative condition.
 */
public final class GuidedDiffusion {

  private final LatentDiffusion diffusion;

  /** Told of each step. */
  @FunctionalInterface
  public interface StepListener {

    /** Does nothing. */
    StepListener NONE = (step, latents) -> {};

    /**
     * Called after each step, on the thread that samples; ends the sampling by throwing.
     *
     * @param step from 0
     * @param latents after the step; not to be changed
     */
    void onStep(int step, float[] latents);
  }

  /**
   * The negative condition and how strongly to go away from it.
   *
   * @param negative [images, length, condition width]; both predictions see the same maps
   * @param scale 1 or less for no guidance at all
   */
  public record Guidance(Value negative, double scale) {

    /** No guidance. */
    public static final Guidance NONE = new Guidance(null, 1);

    boolean active() {
      return negative != null && scale > 1;
    }
  }

  /** Sampling with a denoiser. */
  public GuidedDiffusion(LatentDiffusion diffusion) {
    this.diffusion = diffusion;
  }

  /**
   * Samples.
   *
   * @param latents what to start from: noise times {@link Sampler#initNoiseSigma}, or a noisy image
   * @param shape [images, latent channels, h, w]
   * @param condition of each image
   * @param sampler not used before
   * @param noise asked by samplers that add noise
   * @return the latents, scaled as the denoiser takes them
   */
  public float[] sample(
      Scope scope,
      float[] latents,
      long[] shape,
      LatentDiffusion.Condition condition,
      Guidance guidance,
      Sampler sampler,
      NoiseSource noise,
      StepListener listener) {
    Told told = new Told(condition, guidance, scope);
    float[] x = latents;
    for (int i = 0; i < sampler.size(); i++) {
      try (Scope step = scope.child()) {
        long timestep = (long) sampler.timestep(i);
        float[] output = told.predict(step, sampler.scaleModelInput(x, i), shape, timestep);
        x = sampler.step(output, i, x, noise);
      }
      listener.onStep(i, x);
    }
    return x;
  }

  /** The conditions of every step: both in one batch where their tokens have equal shapes. */
  private final class Told {
    final double scale;
    final LatentDiffusion.Condition positive;
    final LatentDiffusion.Condition negative;
    final LatentDiffusion.Condition both;

    Told(LatentDiffusion.Condition condition, Guidance guidance, Scope scope) {
      scale = guidance.scale;
      positive = condition;
      boolean joined =
          guidance.active() && Arrays.equals(guidance.negative.shape(), condition.tokens().shape());
      negative =
          guidance.active()
              ? new LatentDiffusion.Condition(
                  guidance.negative, condition.maps(), condition.visible())
              : null;
      both =
          joined
              ? new LatentDiffusion.Condition(
                  joined(scope, guidance.negative, condition.tokens()),
                  twice(scope, condition.maps()),
                  condition.visible() == null ? null : twice(condition.visible()))
              : null;
    }

    float[] predict(Scope scope, float[] x, long[] shape, long timestep) {
      if (negative == null) {
        return predict(scope, x, shape, timestep, positive);
      }
      float[] away;
      float[] towards;
      if (both == null) {
        away = predict(scope, x, shape, timestep, negative);
        towards = predict(scope, x, shape, timestep, positive);
      } else {
        float[] doubled = Arrays.copyOf(x, 2 * x.length);
        System.arraycopy(x, 0, doubled, x.length, x.length);
        long[] extents = shape.clone();
        extents[0] *= 2;
        float[] predicted = predict(scope, doubled, extents, timestep, both);
        away = Arrays.copyOfRange(predicted, 0, x.length);
        towards = Arrays.copyOfRange(predicted, x.length, predicted.length);
      }
      for (int i = 0; i < away.length; i++) {
        away[i] += (float) scale * (towards[i] - away[i]);
      }
      return away;
    }

    private float[] predict(
        Scope scope, float[] x, long[] shape, long timestep, LatentDiffusion.Condition condition) {
      long[] timesteps = new long[Math.toIntExact(shape[0])];
      Arrays.fill(timesteps, timestep);
      Value noisy = scope.floats(x, shape);
      Value at = scope.longs(timesteps, timesteps.length);
      return diffusion.predict(scope, noisy, at, condition).floats();
    }
  }

  private static List<Value> twice(Scope scope, List<Value> maps) {
    return maps == null
        ? null
        : maps.stream().map(map -> joined(scope, map, map)).collect(Collectors.toList());
  }

  private static long[] twice(long[] values) {
    long[] doubled = Arrays.copyOf(values, 2 * values.length);
    System.arraycopy(values, 0, doubled, values.length, values.length);
    return doubled;
  }

  /** Two tensors of equal shape, one after the other along the first axis. */
  private static Value joined(Scope scope, Value first, Value second) {
    float[] a = first.floats();
    float[] both = Arrays.copyOf(a, 2 * a.length);
    System.arraycopy(second.floats(), 0, both, a.length, a.length);
    long[] shape = first.shape().clone();
    shape[0] *= 2;
    return scope.floats(both, shape);
  }
}
