package io.deem.mini;

import java.util.ArrayList;
import java.util.List;

/** Finds a place and a size for each object of a scene. */
final class Layout {

  /** Least and greatest size of an object where there are one, two, ... of them. */
  private static final double[][] SIZES = {
    {0.38, 0.70}, {0.33, 0.52}, {0.28, 0.42}, {0.25, 0.36}, {0.22, 0.31}, {0.20, 0.28},
  };

  private static final double MARGIN = 0.01;
  private static final int TRIES_PER_OBJECT = 40;
  private static final double SHRINK = 0.94;

  /** An object's place: its size and its box, both in shares of the canvas. */
  record Place(double size, Box box) {}

  private Layout() {}

  /**
   * Places objects at random such that their boxes lie within the canvas and overlap by no more
   * than allowed. Where that fails, everything shrinks a little.
   *
   * @param turned the objects' boxes after turning, for ink of size 1
   */
  static List<Place> place(SceneRandom random, List<Box> turned, double maxOverlap) {
    double[] range = SIZES[turned.size() - 1];
    double[] sizes = new double[turned.size()];
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = random.between(range[0], range[1]);
    }
    while (true) {
      List<Place> places = tryToPlace(random, turned, sizes, maxOverlap);
      if (places.size() == turned.size()) {
        return places;
      }
      for (int i = 0; i < sizes.length; i++) {
        sizes[i] *= SHRINK;
      }
    }
  }

  private static List<Place> tryToPlace(
      SceneRandom random, List<Box> turned, double[] sizes, double maxOverlap) {
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < sizes.length; i++) {
      Box unit = turned.get(i);
      double roomX = 1 - 2 * MARGIN - sizes[i] * (unit.right() - unit.left());
      double roomY = 1 - 2 * MARGIN - sizes[i] * (unit.bottom() - unit.top());
      for (int attempt = 0; attempt < TRIES_PER_OBJECT && places.size() == i; attempt++) {
        if (roomX < 0 || roomY < 0) {
          return places;
        }
        Box box =
            unit.scaledAndMoved(
                sizes[i],
                MARGIN + roomX * random.nextDouble() - sizes[i] * unit.left(),
                MARGIN + roomY * random.nextDouble() - sizes[i] * unit.top());
        if (places.stream().allMatch(other -> box.overlap(other.box()) <= maxOverlap)) {
          places.add(new Place(sizes[i], box));
        }
      }
      if (places.size() == i) {
        return places;
      }
    }
    return places;
  }
}
