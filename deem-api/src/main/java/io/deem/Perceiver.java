package io.deem;

import java.util.List;

/**
 * Sees images. All methods are safe for use from many threads; an image that was seen before is not
 * encoded again while it is in the cache.
 *
 * <p>Every method throws
 *
 * <ul>
 *   <li>{@link NullPointerException} if the image is null;
 *   <li>{@link IllegalStateException} if the model is closed, before the call or while it runs, or
 *       if the engine fails;
 *   <li>{@link java.util.concurrent.CancellationException} if the calling thread is interrupted,
 *       which is looked at between tokens and diffusion steps and stays set, or if the call exceeds
 *       the runtime's time limit;
 *   <li>{@link java.util.concurrent.RejectedExecutionException} if the runtime has too many calls
 *       to do, or too many have failed lately.
 * </ul>
 */
public interface Perceiver {

  /** Describes an image in a sentence of at most 30 tokens, the likeliest token at each place. */
  Description describe(Image image);

  /**
   * Answers a question about an image in at most 30 tokens, the likeliest token at each place.
   *
   * @param question for example {@code Is there a dog in the image?}
   * @throws IllegalArgumentException if the question is empty, has more than 1,024 tokens, or
   *     contains one of the model's special tokens
   */
  Answer ask(Image image, String question);

  /**
   * Scores possible answers.
   *
   * @param question for example {@code What color is the car?}
   * @param options at least two, all different
   * @return every option, the likeliest first
   * @throws IllegalArgumentException if there are fewer options, two are equal, or the question or
   *     an option is no text that {@link #ask} would take
   */
  List<Choice> choose(Image image, String question, List<String> options);

  /** Scores possible answers. */
  default List<Choice> choose(Image image, String question, String... options) {
    return choose(image, question, List.of(options));
  }

  /**
   * How well what the encoder saw suffices to draw the image again: the consistency loss of the
   * diffusion model (Luo et al. 2025, "DEEM"), averaged over fixed noise and timesteps, so that
   * equal images have equal fidelity.
   */
  Fidelity fidelity(Image image);

  /**
   * The picture that what the encoder saw makes the diffusion model draw: the image drowned in
   * noise, and denoised under the condition that the encoder gave.
   *
   * @return a square picture of the decoder's size
   */
  default Image redraw(Image image) {
    return redraw(image, RedrawOptions.defaults());
  }

  /** As {@link #redraw(Image)}, with options. */
  Image redraw(Image image, RedrawOptions options);
}
