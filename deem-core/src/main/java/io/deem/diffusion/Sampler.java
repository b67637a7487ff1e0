package io.deem.diffusion;

import io.deem.random.NoiseSource;

/**
 * Turns noise into latents, one network call at a time. A sampler keeps what its method remembers
 * of the steps before, so it serves one run and one thread; the latents may hold a whole batch.
 *
 * <pre>{@code
 * float[] x = noise scaled by sampler.initNoiseSigma();
 * for (int i = 0; i < sampler.size(); i++) {
 *   float[] output = network(sampler.scaleModelInput(x, i), sampler.timestep(i));
 *   x = sampler.step(output, i, x, random);
 * }
 * }</pre>
 */
public interface Sampler {

  /**
   * Gives the time steps of the network calls, in their order.
   *
   * @return a new array; whole numbers but for Euler with LINSPACE or Karras spacing
   */
  float[] timesteps();

  /**
   * Gives the time step of one network call.
   *
   * @param i index of the call, from 0
   * @return the time step to give the network
   */
  float timestep(int i);

  /**
   * Counts the network calls.
   *
   * @return the length of {@link #timesteps()}
   */
  int size();

  /**
   * Gives the standard deviation of the noise to start from.
   *
   * @return the factor for standard normal noise
   */
  default float initNoiseSigma() {
    return 1;
  }

  /**
   * Prepares latents for the network.
   *
   * @param x the latents
   * @param i index of the call
   * @return what to give the network; {@code x} itself where nothing has to be done
   */
  default float[] scaleModelInput(float[] x, int i) {
    return x;
  }

  /**
   * Goes one step on. Calls must be made for i = 0, 1, ... in this order.
   *
   * @param modelOutput the network's output for {@link #scaleModelInput} of the latents
   * @param i index of the call
   * @param x the latents before the step, unscaled and unchanged by it
   * @param noise asked at most once, for as many values as {@code x} has, and only if the method
   *     adds noise in this step
   * @return the latents after the step, a new array
   * @throws IllegalStateException if it is not the turn of {@code i}
   */
  float[] step(float[] modelOutput, int i, float[] x, NoiseSource noise);
}
