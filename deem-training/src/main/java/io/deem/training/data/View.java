package io.deem.training.data;

import io.deem.Image;
import io.deem.random.RandomSource;
import io.deem.text.prompt.GroundingPrompts.Box;
import io.deem.text.prompt.RegionMask;

/**
 * The part of a picture that a batch shows, maybe mirrored.
 *
 * @param left of the part, in pixels of the picture
 * @param top of the part
 * @param width of the part
 * @param height of the part
 * @param flipped whether left and right are exchanged
 */
record View(int left, int top, int width, int height, boolean flipped) {

  private static final int THOUSANDTHS = 999;
  private static final int ATTEMPTS = 10;

  /** Least and greatest proportions of a crop, those of torchvision's random resized crop. */
  private static final double NARROWEST = 3.0 / 4;

  private static final double WIDEST = 4.0 / 3;

  /** Draws a view of a picture. */
  static View draw(Augmentation augmentation, int width, int height, RandomSource random) {
    boolean flipped = augmentation.flip() > 0 && random.uniform() < augmentation.flip();
    if (augmentation.smallestCrop() == 1) {
      return new View(0, 0, width, height, flipped);
    }
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      double share =
          augmentation.smallestCrop() + (1 - augmentation.smallestCrop()) * random.uniform();
      double aspect = NARROWEST * StrictMath.pow(WIDEST / NARROWEST, random.uniform());
      double area = share * width * height;
      int cropWidth = (int) Math.round(Math.sqrt(area * aspect));
      int cropHeight = (int) Math.round(Math.sqrt(area / aspect));
      if (cropWidth >= 1 && cropHeight >= 1 && cropWidth <= width && cropHeight <= height) {
        int left = random.uniformInt(width - cropWidth + 1);
        int top = random.uniformInt(height - cropHeight + 1);
        return new View(left, top, cropWidth, cropHeight, flipped);
      }
    }
    return new View(0, 0, width, height, flipped);
  }

  private boolean isWhole(int pictureWidth, int pictureHeight) {
    return !flipped && width == pictureWidth && height == pictureHeight;
  }

  /** What the view shows of a picture. */
  Image of(Image picture) {
    if (isWhole(picture.width(), picture.height())) {
      return picture;
    }
    byte[] from = picture.toRgb();
    byte[] to = new byte[width * height * 3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int column = left + (flipped ? width - 1 - x : x);
        System.arraycopy(
            from, ((top + y) * picture.width() + column) * 3, to, (y * width + x) * 3, 3);
      }
    }
    return Image.ofRgb(width, height, to);
  }

  /** What the view shows of a mask of the whole picture. */
  RegionMask of(RegionMask mask) {
    if (isWhole(mask.width(), mask.height())) {
      return mask;
    }
    float[] from = mask.values();
    float[] to = new float[width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int column = left + (flipped ? width - 1 - x : x);
        to[y * width + x] = from[(top + y) * mask.width() + column];
      }
    }
    return new RegionMask(to, height, width);
  }

  /** A box in thousandths of the view, cut off at its borders. */
  Box thousandths(RegionShape.Box box) {
    double x0 = (box.left() - left) / width;
    double x1 = (box.right() - left) / width;
    int low = place(flipped ? 1 - x1 : x0);
    int high = place(flipped ? 1 - x0 : x1);
    int upper = place((box.top() - top) / height);
    return new Box(low, upper, high, place((box.bottom() - top) / height));
  }

  private static int place(double share) {
    return (int) Math.rint(THOUSANDTHS * Math.max(0, Math.min(1, share)));
  }
}
