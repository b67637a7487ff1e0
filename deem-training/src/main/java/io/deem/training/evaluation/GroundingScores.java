package io.deem.training.evaluation;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Boxes that a model writes, compared with true ones, as DEEM's reference does. */
public final class GroundingScores {

  private static final Pattern BOX = Pattern.compile("\\((.*?)\\)\\((.*?)\\)", Pattern.UNIX_LINES);
  private static final Pattern NUMBER =
      Pattern.compile("\\s*[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?\\s*");
  private static final float THOUSANDTHS = 999;

  /** A box that overlaps the true one by so much is right. */
  public static final double RIGHT = 0.5;

  private GroundingScores() {}

  /**
   * A box in thousandths of a picture's sides.
   *
   * @param left from the left border, and so the others
   */
  public record Box(float left, float top, float right, float bottom) {

    /** What stands for a box that is none. */
    public static final Box NONE = new Box(0, 0, 0, 0);
  }

  /** The first box in a text, {@code (x,y)(x,y)}; {@link Box#NONE} where it is malformed. */
  public static Box parse(String text) {
    Matcher box = BOX.matcher(text);
    if (!box.find()) {
      return Box.NONE;
    }
    Optional<float[]> first = pair(box.group(1));
    Optional<float[]> second = pair(box.group(2));
    return first.isPresent() && second.isPresent()
        ? new Box(first.get()[0], first.get()[1], second.get()[0], second.get()[1])
        : Box.NONE;
  }

  private static Optional<float[]> pair(String text) {
    String[] parts = text.split(",", -1);
    if (parts.length != 2
        || !NUMBER.matcher(parts[0]).matches()
        || !NUMBER.matcher(parts[1]).matches()) {
      return Optional.empty();
    }
    return Optional.of(
        new float[] {
          (float) Double.parseDouble(parts[0].strip()), (float) Double.parseDouble(parts[1].strip())
        });
  }

  /**
   * Overlap of two boxes on a picture: intersection over union, 0 to 1. A box whose sides are
   * exchanged overlaps nothing.
   *
   * @param width of the picture in pixels
   * @param height of the picture in pixels
   */
  public static float overlap(Box a, Box b, int width, int height) {
    float[] p = pixels(a, width, height);
    float[] q = pixels(b, width, height);
    float across = Math.max(0, Math.min(p[2], q[2]) - Math.max(p[0], q[0]));
    float down = Math.max(0, Math.min(p[3], q[3]) - Math.max(p[1], q[1]));
    float intersection = across * down;
    float union = area(p) + area(q) - intersection;
    return intersection == 0 ? 0 : intersection / union;
  }

  private static float area(float[] box) {
    return (box[2] - box[0]) * (box[3] - box[1]);
  }

  private static float[] pixels(Box box, int width, int height) {
    return new float[] {
      box.left / THOUSANDTHS * width,
      box.top / THOUSANDTHS * height,
      box.right / THOUSANDTHS * width,
      box.bottom / THOUSANDTHS * height
    };
  }
}
