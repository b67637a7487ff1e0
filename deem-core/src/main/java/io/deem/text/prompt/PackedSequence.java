package io.deem.text.prompt;

import java.util.List;

/**
 * A sequence cut from a stream of documents.
 *
 * @param ids its tokens
 * @param images in the order of their starts
 * @param nearestBegins for each image the place of the last beginning of a document before its
 *     start; 0 where the document began in an earlier sequence
 * @param shortened whether it ends early because an image would have been cut
 */
public record PackedSequence<I>(
    long[] ids, List<I> images, int[] nearestBegins, boolean shortened) {

  /** Copies everything, so that the record stays immutable. */
  public PackedSequence {
    ids = ids.clone();
    images = List.copyOf(images);
    nearestBegins = nearestBegins.clone();
  }

  @Override
  public long[] ids() {
    return ids.clone();
  }

  @Override
  public int[] nearestBegins() {
    return nearestBegins.clone();
  }

  /** Whether an image comes first, or right after a beginning. */
  public boolean beginsWithImage(PromptFormat format) {
    int first = ids[0] == format.begin() ? 1 : 0;
    return first < ids.length && ids[first] == format.imageStart();
  }

  /** How many images have no text before them. */
  public int imagesWithoutContext(PromptFormat format) {
    int count = 0;
    int image = 0;
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] == format.imageStart() && i - nearestBegins[image++] <= 1) {
        count++;
      }
    }
    return count;
  }
}
