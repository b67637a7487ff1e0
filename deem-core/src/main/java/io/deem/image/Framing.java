package io.deem.image;

import io.deem.Image;

/** How a picture of any proportions becomes the square that an encoder takes. */
public enum Framing {
  /** Everything stays in view, proportions do not. DEEM's evaluation transform. */
  SQUASH {
    @Override
    public Image apply(Image image, int size) {
      return AntialiasedResize.resize(image, size, size, ResizeFilter.BICUBIC);
    }
  },
  /**
   * The middle square: halved by averaging while both sides stay at least twice the size, then
   * reduced and cropped. DEEM's evaluation transform with {@code center_crop}.
   */
  CENTER_CROP {
    @Override
    public Image apply(Image image, int size) {
      Image reduced = image;
      while (Math.min(reduced.width(), reduced.height()) >= 2L * size) {
        reduced =
            AntialiasedResize.resize(
                reduced, reduced.width() / 2, reduced.height() / 2, ResizeFilter.BOX);
      }
      double scale = (double) size / Math.min(reduced.width(), reduced.height());
      // Python rounds halves to even, and so does rint.
      int width = (int) Math.rint(reduced.width() * scale);
      int height = (int) Math.rint(reduced.height() * scale);
      Image fitted = AntialiasedResize.resize(reduced, width, height, ResizeFilter.BICUBIC);
      return crop(fitted, (width - size) / 2, (height - size) / 2, size);
    }
  },
  /** The middle square of the picture with its shorter side resized, as torchvision crops it. */
  SHORTER_SIDE {
    @Override
    public Image apply(Image image, int size) {
      Image fitted = fitShorterSide(image, size);
      int left = (int) Math.rint((fitted.width() - size) / 2.0);
      int top = (int) Math.rint((fitted.height() - size) / 2.0);
      return crop(fitted, left, top, size);
    }
  },
  /** As {@link #SHORTER_SIDE}, with odd margins rounded as the processors of transformers do. */
  SHORTER_SIDE_FLOOR {
    @Override
    public Image apply(Image image, int size) {
      Image fitted = fitShorterSide(image, size);
      return crop(fitted, (fitted.width() - size) / 2, (fitted.height() - size) / 2, size);
    }
  };

  /**
   * Frames an image.
   *
   * @param size width and height of the result in pixels, at least 1
   */
  public abstract Image apply(Image image, int size);

  private static Image fitShorterSide(Image image, int size) {
    boolean upright = image.width() <= image.height();
    int shorter = upright ? image.width() : image.height();
    int longer = upright ? image.height() : image.width();
    int fitted = (int) ((long) size * longer / shorter);
    return upright
        ? AntialiasedResize.resize(image, size, fitted, ResizeFilter.BICUBIC)
        : AntialiasedResize.resize(image, fitted, size, ResizeFilter.BICUBIC);
  }

  private static Image crop(Image image, int left, int top, int size) {
    if (image.width() == size && image.height() == size) {
      return image;
    }
    byte[] from = image.toRgb();
    byte[] cropped = new byte[size * size * 3];
    for (int y = 0; y < size; y++) {
      int start = ((top + y) * image.width() + left) * 3;
      System.arraycopy(from, start, cropped, y * size * 3, size * 3);
    }
    return Image.ofRgb(size, size, cropped);
  }
}
