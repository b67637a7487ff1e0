package io.deem.training.data;

import io.deem.Image;
import io.deem.image.Framing;
import io.deem.image.PixelPlanes;
import io.deem.random.RandomSource;
import java.io.IOException;

/** Decodes pictures, varies them and brings them to a model's sizes. */
final class Eyes {

  private final BatchFormat format;
  private final Augmentation augmentation;

  Eyes(BatchFormat format, Augmentation augmentation) {
    this.format = format;
    this.augmentation = augmentation;
  }

  BatchFormat format() {
    return format;
  }

  /**
   * Sees a picture.
   *
   * @param random draws how it is varied
   */
  SeenImage see(ImageSource source, RandomSource random) throws IOException {
    Image picture = source.read();
    View view = View.draw(augmentation, picture.width(), picture.height(), random);
    Image shown = view.of(picture);
    if (augmentation.changesColors()) {
      shown = ColorJitter.apply(augmentation, shown, random);
    }
    float[] encoder = PixelPlanes.of(Framing.SQUASH.apply(shown, format.imageSize()));
    float[] drawn =
        format.drawnSize() == format.imageSize()
            ? encoder
            : PixelPlanes.of(Framing.SQUASH.apply(shown, format.drawnSize()));
    return new SeenImage(source, encoder, drawn, view, picture.width(), picture.height());
  }
}
