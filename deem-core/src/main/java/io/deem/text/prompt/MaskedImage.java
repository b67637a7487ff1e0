package io.deem.text.prompt;

import java.util.Optional;

/**
 * An image of a batch.
 *
 * @param image what stands for it
 * @param mask the part that is meant; nothing for the whole image
 */
public record MaskedImage<I>(I image, Optional<RegionMask> mask) {

  static <I> MaskedImage<I> whole(I image) {
    return new MaskedImage<>(image, Optional.empty());
  }
}
