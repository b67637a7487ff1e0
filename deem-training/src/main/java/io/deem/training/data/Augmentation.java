package io.deem.training.data;

/**
 * How pictures are varied. What a picture shows stays true under jitter of its colours as long as
 * no colour is asked for; a crop can cut off what is asked for, and a flip makes left right, so
 * both are off unless asked for. Masks and boxes are moved along.
 *
 * @param smallestCrop least share of the picture's area that a crop keeps; 1 for no crop
 * @param flip probability of a mirror image
 * @param brightness largest change of brightness, 0 to 1
 * @param contrast largest change of contrast, 0 to 1
 * @param saturation largest change of saturation, 0 to 1
 * @param hue largest turn of the hue, in turns, 0 to 0.5
 */
public record Augmentation(
    double smallestCrop,
    double flip,
    double brightness,
    double contrast,
    double saturation,
    double hue) {

  /** Pictures as they are. */
  public static final Augmentation NONE = new Augmentation(1, 0, 0, 0, 0, 0);

  /** Colours varied by up to a fifth, hues by up to a twentieth of a turn. */
  public static final Augmentation COLORS = new Augmentation(1, 0, 0.2, 0.2, 0.2, 0.05);

  /** Checks the ranges. */
  public Augmentation {
    require(smallestCrop > 0 && smallestCrop <= 1, "smallestCrop", smallestCrop);
    require(flip >= 0 && flip <= 1, "flip", flip);
    require(brightness >= 0 && brightness <= 1, "brightness", brightness);
    require(contrast >= 0 && contrast <= 1, "contrast", contrast);
    require(saturation >= 0 && saturation <= 1, "saturation", saturation);
    require(hue >= 0 && hue <= 0.5, "hue", hue);
  }

  /** The same with crops that keep at least this share of the area. */
  public Augmentation withSmallestCrop(double share) {
    return new Augmentation(share, flip, brightness, contrast, saturation, hue);
  }

  /** The same with mirror images of this probability. */
  public Augmentation withFlip(double probability) {
    return new Augmentation(smallestCrop, probability, brightness, contrast, saturation, hue);
  }

  boolean changesColors() {
    return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0;
  }

  private static void require(boolean holds, String name, double value) {
    if (!holds) {
      throw new IllegalArgumentException(
          "augmentation " + name + " is " + value + ", which is out of range");
    }
  }
}
