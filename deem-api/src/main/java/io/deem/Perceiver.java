package io.deem;

import java.util.Collections;
import java.util.List;

/**
 * Sees images. All methods are safe for use from many threads; an image that was seen before is not
 * encoded again while it is in the cache.
 *
 * <pre>{@code
 * eyes.describe(photo);
 * eyes.ask(photo.region(Region.box(10, 10, 90, 60)), "What color is it?");
 * eyes.imagine("a red bus");
 * }</pre>
 *
 * <p>Wherever a method takes an {@link Image} it takes a {@linkplain Image#region(Region) region of
 * one} too: the model is then told where to look.
 *
 * <p>Every method that sees or draws throws
 *
 * <ul>
 *   <li>{@link NullPointerException} if an argument is null;
 *   <li>{@link IllegalStateException} if the model is closed, before the call or while it runs, or
 *       if the engine fails;
 *   <li>{@link java.util.concurrent.CancellationException} if the calling thread is interrupted,
 *       which is looked at between tokens and diffusion steps and stays set, if the call is
 *       {@linkplain #withCancellation cancelled}, or if it exceeds the runtime's time limit;
 *   <li>{@link java.util.concurrent.RejectedExecutionException} if the runtime has too many calls
 *       to do, or too many have failed lately;
 *   <li>{@link IllegalArgumentException} if a text contains one of the model's special tokens, if a
 *       prompt and what is to follow it are longer than the model can read, or if a region vanishes
 *       at the size to which the model reduces pictures.
 * </ul>
 */
public interface Perceiver {

  // ---------------------------------------------------------------- descriptions

  /** Describes an image in a sentence of at most 30 tokens, the likeliest token at each place. */
  default Description describe(Image image) {
    return describe(image, GenerationOptions.defaults());
  }

  /** Describes an image, with options such as {@link GenerationOptions#paperCaption}. */
  default Description describe(Image image, GenerationOptions options) {
    return describe(image, options, TextListener.NONE);
  }

  /**
   * Describes an image and passes the text on while it is generated; with several beams, when it is
   * done.
   */
  Description describe(Image image, GenerationOptions options, TextListener listener);

  /** Describes several images at once, each as {@link #describe(Image)} would. */
  default List<Description> describe(List<Image> images) {
    return describe(images, GenerationOptions.defaults());
  }

  /**
   * Describes several images at once: faster than one by one, with the same results but for the
   * rounding of probabilities.
   *
   * @return a description for each image, in their order; the time of each is that of the call
   */
  List<Description> describe(List<Image> images, GenerationOptions options);

  // ---------------------------------------------------------------- answers

  /**
   * Answers a question about an image in at most 30 tokens, the likeliest token at each place.
   *
   * @param question for example {@code Is there a dog in the image?}
   * @throws IllegalArgumentException if the question is empty, has more than 1,024 tokens, or
   *     contains one of the model's special tokens
   */
  default Answer ask(Image image, String question) {
    return ask(image, question, GenerationOptions.defaults());
  }

  /** Answers a question, with options such as {@link GenerationOptions#paperAnswer}. */
  default Answer ask(Image image, String question, GenerationOptions options) {
    return ask(image, question, options, TextListener.NONE);
  }

  /**
   * Answers a question and passes the text on while it is generated; with several beams, when it is
   * done.
   */
  Answer ask(Image image, String question, GenerationOptions options, TextListener listener);

  /** Asks the same about several images at once, each as {@link #ask(Image, String)} would. */
  default List<Answer> ask(List<Image> images, String question) {
    return ask(images, question, GenerationOptions.defaults());
  }

  /** Asks the same about several images at once, with options. */
  default List<Answer> ask(List<Image> images, String question, GenerationOptions options) {
    return ask(images, Collections.nCopies(images.size(), question), options);
  }

  /**
   * Answers several questions at once: faster than one by one, with the same results but for the
   * rounding of probabilities.
   *
   * @param images one for each question; the same image may come several times
   * @return an answer for each question, in their order; the time of each is that of the call
   * @throws IllegalArgumentException if there are not as many questions as images
   */
  List<Answer> ask(List<Image> images, List<String> questions, GenerationOptions options);

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

  // ---------------------------------------------------------------- conversations

  /** Begins a conversation, whose replies have at most 256 tokens. */
  default Chat chat() {
    return chat(GenerationOptions.defaults().withMaxNewTokens(256));
  }

  /** Begins a conversation whose replies are generated with these options. */
  default Chat chat(GenerationOptions options) {
    return chat(options, List.of());
  }

  /** Goes on with a conversation. */
  default Chat chat(GenerationOptions options, List<Turn> history) {
    return new Chat(this, options, history);
  }

  /**
   * Replies to a message after a conversation, and passes the reply on while it is generated: what
   * {@link Chat} does for one conversation, for those who keep the history themselves.
   *
   * @param history the turns so far; may be empty
   */
  Answer reply(
      List<Turn> history, Prompt message, GenerationOptions options, TextListener listener);

  // ---------------------------------------------------------------- pictures

  /**
   * How well what the encoder saw suffices to draw the image again: the consistency loss of the
   * diffusion model (Luo et al. 2025, "DEEM"), averaged over fixed noise and timesteps, so that
   * equal images have equal fidelity. Of a region only its inside counts.
   */
  Fidelity fidelity(Image image);

  /**
   * The picture that what the encoder saw makes the diffusion model draw: the image drowned in
   * noise, and denoised under the condition that the encoder gave. Of a region only what was seen
   * inside it is told.
   *
   * @return a square picture of the decoder's size
   */
  default Image redraw(Image image) {
    return redraw(image, RedrawOptions.defaults());
  }

  /** As {@link #redraw(Image)}, with options. */
  Image redraw(Image image, RedrawOptions options);

  /**
   * Draws what a text describes.
   *
   * @param text for example {@code a red bus}
   * @return a square picture
   */
  default Image imagine(String text) {
    return imagine(text, ImagineOptions.defaults());
  }

  /** As {@link #imagine(String)}, with options. */
  default Image imagine(String text, ImagineOptions options) {
    return imagine(Prompt.of(text), options);
  }

  /** As {@link #imagine(Prompt, ImagineOptions)}, with the default options. */
  default Image imagine(Prompt prompt) {
    return imagine(prompt, ImagineOptions.defaults());
  }

  /**
   * Draws the image that would come next in a document of text and images. The text before it and
   * the whole of the last image before it are what the diffusion model is told. A prompt of text
   * alone is a description, to which the model's own words around descriptions are added.
   *
   * @return a square picture
   * @throws IllegalArgumentException also if the size is one that the model cannot draw
   */
  Image imagine(Prompt prompt, ImagineOptions options);

  // ---------------------------------------------------------------- views

  /**
   * This perceiver, with calls that end, by a {@link java.util.concurrent.CancellationException},
   * when the cancellation is asked for: at the next token or diffusion step. The model stays
   * usable.
   */
  Perceiver withCancellation(Cancellation cancellation);

  /** This perceiver, with calls that tell the listener of every diffusion step. */
  Perceiver withProgress(ProgressListener listener);
}
