package io.deem.perception;

import io.deem.Image;
import java.util.List;

/**
 * A prompt as the language model takes it, without padding.
 *
 * @param ids the tokens
 * @param images in the order of their places among the tokens
 */
record EncodedPrompt(int[] ids, List<Image> images) {
  EncodedPrompt {
    images = List.copyOf(images);
  }
}
