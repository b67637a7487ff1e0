package io.deem.text.prompt;

import java.util.List;

/**
 * A text with images in it.
 *
 * @param ids its tokens, a begin-of-sequence token first
 * @param images in the order of their starts
 */
public record Document<I>(long[] ids, List<I> images) {

  /** Copies both, so that the record stays immutable. */
  public Document {
    ids = ids.clone();
    images = List.copyOf(images);
  }

  @Override
  public long[] ids() {
    return ids.clone();
  }
}
