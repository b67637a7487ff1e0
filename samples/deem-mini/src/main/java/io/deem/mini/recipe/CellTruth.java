package io.deem.mini.recipe;

import io.deem.mini.Concept;
import io.deem.mini.PlacedObject;
import io.deem.mini.Scene;
import java.util.Arrays;
import java.util.List;

/**
 * What lies in each cell of the grid of visual tokens.
 *
 * @param nouns [scenes * cells]: the concept's number, or the number of concepts where nothing lies
 * @param colors [scenes * cells]: the number of the object's colour, or {@link #UNKNOWN}
 */
record CellTruth(long[] nouns, long[] colors) {

  /** Where an object's colour has no single name. */
  static final int UNKNOWN = -100;

  private static final int GRID = MiniArchitecture.GRID;

  /** The truth about scenes, in order. */
  static CellTruth of(List<Scene> scenes, Labels labels) {
    int cells = GRID * GRID;
    long[] nouns = new long[scenes.size() * cells];
    long[] colors = new long[scenes.size() * cells];
    Arrays.fill(nouns, labels.size());
    Arrays.fill(colors, UNKNOWN);
    for (int i = 0; i < nouns.length; i++) {
      PlacedObject object = at(scenes.get(i / cells), i % cells);
      if (object != null) {
        nouns[i] = labels.of(object.concept());
        if (object.color().isPresent()) {
          colors[i] = Concept.COLOR_NAMES.indexOf(object.color().get());
        }
      }
    }
    return new CellTruth(nouns, colors);
  }

  /** The object at the middle of a cell; where objects touch, the nearer one; null for none. */
  private static PlacedObject at(Scene scene, int cell) {
    double x = (cell % GRID + 0.5) / GRID;
    int row = cell / GRID;
    double y = (row + 0.5) / GRID;
    PlacedObject nearest = null;
    double best = Double.MAX_VALUE;
    for (PlacedObject object : scene.objects()) {
      double dx = Math.abs(object.x() - x);
      double dy = Math.abs(object.y() - y);
      boolean inside =
          x >= object.box().left()
              && x <= object.box().right()
              && y >= object.box().top()
              && y <= object.box().bottom();
      // An object always owns the cell that its middle lies in.
      boolean own = dx <= 0.5 / GRID && dy <= 0.5 / GRID;
      double distance = Math.hypot(dx, dy);
      if ((inside || own) && distance < best) {
        best = distance;
        nearest = object;
      }
    }
    return nearest;
  }
}
