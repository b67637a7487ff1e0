package io.deem.text.prompt;

import io.deem.text.TokenBatch;
import java.util.List;

/**
 * Rows of text with the images that their image tokens stand for.
 *
 * @param text the token ids
 * @param mask [rows, length]: 1 where a token may be attended to
 * @param images of all rows, in the order of their starts
 * @param imagesPerRow how many of them each row has
 * @param promptLengths for each row the tokens at its beginning that are not to be learnt; empty
 *     where nothing is learnt or {@code labels} say it
 * @param labels [rows, length]: the id that each place has to be, or {@link #IGNORED}; empty where
 *     the ids themselves are learnt, but for the prompts
 * @param objective what the rows teach
 */
public record PromptBatch<I>(
    TokenBatch text,
    long[] mask,
    List<MaskedImage<I>> images,
    int[] imagesPerRow,
    int[] promptLengths,
    long[] labels,
    Objective objective) {

  /** The label of a place that does not count. */
  public static final long IGNORED = -100;

  /** What rows teach. */
  public enum Objective {
    /** To write; the loss of the image decoder has weight 0. */
    TEXT,
    /** To draw; the loss of the text has weight 0. */
    IMAGE
  }

  /** Copies the list of images. */
  public PromptBatch {
    images = List.copyOf(images);
  }
}
