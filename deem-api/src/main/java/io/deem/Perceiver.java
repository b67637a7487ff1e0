package io.deem;

import java.util.List;

/**
 * Sees images. All methods are safe for use from many threads; an image that was seen before is not
 * encoded again while it is in the cache.
 *
 * <p>Every method throws {@link IllegalStateException} if the model was closed, and {@link
 * java.util.concurrent.CancellationException} if the calling thread is interrupted.
 */
public interface Perceiver {

  /** Describes an image in a sentence. */
  Description describe(Image image);

  /**
   * Answers a question about an image.
   *
   * @param question for example {@code Is there a dog in the image?}
   */
  Answer ask(Image image, String question);

  /**
   * Scores possible answers.
   *
   * @param question for example {@code What color is the car?}
   * @param options at least two
   * @return every option, the likeliest first
   */
  List<Choice> choose(Image image, String question, List<String> options);

  /** Scores possible answers. */
  default List<Choice> choose(Image image, String question, String... options) {
    return choose(image, question, List.of(options));
  }

  /**
   * How well what the encoder saw suffices to draw the image again: the consistency loss of the
   * diffusion model (Luo et al. 2025, "DEEM"), averaged over fixed noise and timesteps.
   */
  Fidelity fidelity(Image image);

  /**
   * The picture that what the encoder saw makes the diffusion model draw.
   *
   * @return a square picture of the decoder's size
   */
  default Image redraw(Image image) {
    return redraw(image, RedrawOptions.defaults());
  }

  /** As {@link #redraw(Image)}, with options. */
  Image redraw(Image image, RedrawOptions options);
}
