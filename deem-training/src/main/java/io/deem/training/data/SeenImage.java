package io.deem.training.data;

import io.deem.text.prompt.GroundingPrompts;
import io.deem.text.prompt.RegionMask;
import java.io.IOException;

/**
 * A picture, decoded, varied and brought to the sizes that a model takes.
 *
 * @param source what it was made of
 * @param encoder [3, imageSize, imageSize] from 0 to 1
 * @param drawn [3, drawnSize, drawnSize] from 0 to 1
 * @param view what of the picture it shows
 * @param width of the whole picture in pixels
 * @param height of the whole picture in pixels
 */
@SuppressWarnings("ArrayRecordComponent") // handed from a task to the batch, never shared
record SeenImage(
    ImageSource source, float[] encoder, float[] drawn, View view, int width, int height) {

  /** A part of the picture, as far as it is in view. */
  RegionMask mask(RegionShape shape) throws IOException {
    return view.of(shape.mask(width, height));
  }

  /** A box in thousandths of what is in view. */
  GroundingPrompts.Box box(RegionShape.Box box) {
    return view.thousandths(box);
  }
}
