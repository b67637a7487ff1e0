package io.deem;

/**
 * Is given a text piece by piece while it is generated, from the thread that generates it. An
 * exception from a listener ends the call.
 *
 * <pre>{@code
 * eyes.describe(photo, GenerationOptions.defaults(), System.out::print);
 * }</pre>
 *
 * <p>The pieces, put together, are the text that the call returns. A piece is made of whole
 * characters, however many tokens these took, and is never taken back; it is therefore held back as
 * long as it may turn out to be the beginning of something else: of a character, of spaces at the
 * end, of a text to stop at.
 */
@FunctionalInterface
public interface TextListener {

  /** A listener that does nothing. */
  TextListener NONE = piece -> {};

  /** Called with each new piece, which is not empty. */
  void onText(String piece);
}
