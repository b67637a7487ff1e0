package io.deem.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Everything that decides a scene's picture, so that one property of it can be changed alone.
 *
 * @param index its number in the generator's sequence
 * @param items its objects, in the order in which they are painted
 */
record ScenePlan(long index, EmojiStyle style, List<Item> items, Ground ground) {

  ScenePlan {
    items = List.copyOf(items);
  }

  /** An object to be painted. */
  record Item(
      Concept concept,
      double degrees,
      Layout.Place place,
      ColorShift shift,
      Optional<String> color) {}

  /** The same with another object in one place. */
  ScenePlan with(int index, Item item) {
    List<Item> changed = new ArrayList<>(items);
    changed.set(index, item);
    return new ScenePlan(this.index, style, changed, ground);
  }

  /** The same without one object. */
  ScenePlan without(int index) {
    List<Item> changed = new ArrayList<>(items);
    changed.remove(index);
    return new ScenePlan(this.index, style, changed, ground);
  }
}
