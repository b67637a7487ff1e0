package io.deem.mini;

/**
 * How much the colours of objects vary, as augmentation for training. Each scene is drawn gently,
 * so that the names of its colours still hold, or, with probability {@code strongShare}, strongly,
 * so that they do not and no question or caption of it mentions a colour.
 *
 * @param strongShare probability of a strong scene, 0 to 1
 * @param strongHueDegrees largest turn of the hue in a strong scene, 0 to 180
 * @param gentleHueDegrees largest turn of the hue otherwise; at most 10, which keeps red from
 *     orange
 * @param strongRange largest relative change of brightness, contrast and saturation in a strong
 *     scene, 0 to 1
 * @param gentleRange the same otherwise; at most 0.2
 */
public record ColorJitter(
    double strongShare,
    double strongHueDegrees,
    double gentleHueDegrees,
    double strongRange,
    double gentleRange) {

  /** Colours as the artists drew them. */
  public static final ColorJitter NONE = new ColorJitter(0, 0, 0, 0, 0);

  /** What training uses: a third of the scenes strong. */
  public static final ColorJitter TRAINING = new ColorJitter(0.33, 60, 6, 0.4, 0.12);

  /** Checks the ranges. */
  public ColorJitter {
    require("strongShare", strongShare, 1);
    require("strongHueDegrees", strongHueDegrees, 180);
    require("gentleHueDegrees", gentleHueDegrees, 10);
    require("strongRange", strongRange, 1);
    require("gentleRange", gentleRange, 0.2);
  }

  private static void require(String name, double value, double most) {
    if (!(value >= 0 && value <= most)) {
      throw new IllegalArgumentException(name + " is " + value + ", not within 0 and " + most);
    }
  }
}
