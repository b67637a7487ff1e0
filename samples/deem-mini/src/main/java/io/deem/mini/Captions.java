package io.deem.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Captions of scenes that say nothing but the truth: what there is, from left to right, how many,
 * and sometimes in which colour and where. They complete "a photo of": no capital, no full stop.
 * Thread-safe.
 */
public final class Captions {

  private static final double COLOR_SHARE = 0.3;
  private static final double RELATION_SHARE = 0.5;

  private final long seed;

  /**
   * Captions whose choices follow from this seed and the scene's index.
   *
   * @param seed any number
   */
  public Captions(long seed) {
    this.seed = seed;
  }

  /** The objects alone: "two dogs, an apple and a cat". The same for every seed. */
  public static String plain(Scene scene) {
    return Phrases.list(
        scene.groups().stream().map(group -> Phrases.counted(group, Optional.empty())).toList());
  }

  /**
   * A caption such as "a red apple to the left of two dogs", "an apple and two dogs" or, where
   * three stand apart, "an apple, a dog and a cat from left to right".
   */
  public String caption(Scene scene) {
    SceneRandom random = SceneRandom.of("caption", seed, scene.index());
    List<Scene.Group> groups = scene.groups();
    List<String> phrases = new ArrayList<>();
    for (Scene.Group group : groups) {
      boolean colored = random.chance(COLOR_SHARE);
      phrases.add(Phrases.counted(group, colored ? group.color() : Optional.empty()));
    }
    boolean related = random.chance(RELATION_SHARE);
    if (related && groups.size() == 2) {
      Optional<Direction> direction = direction(groups.get(0), groups.get(1));
      if (direction.isPresent()) {
        return phrases.get(0) + " " + direction.get().words() + " " + phrases.get(1);
      }
    }
    if (related && groups.size() > 2 && inRow(groups)) {
      return Phrases.list(phrases) + " from left to right";
    }
    return Phrases.list(phrases);
  }

  /** The direction that holds between any of the one group and any of the other. */
  private static Optional<Direction> direction(Scene.Group a, Scene.Group b) {
    Optional<Direction> common = Direction.of(a.members().get(0), b.members().get(0));
    for (PlacedObject one : a.members()) {
      for (PlacedObject other : b.members()) {
        if (!Direction.of(one, other).equals(common)) {
          return Optional.empty();
        }
      }
    }
    return common;
  }

  private static boolean inRow(List<Scene.Group> groups) {
    for (int i = 1; i < groups.size(); i++) {
      Scene.Group left = groups.get(i - 1);
      Scene.Group right = groups.get(i);
      for (PlacedObject one : left.members()) {
        for (PlacedObject other : right.members()) {
          if (Direction.LEFT.distance(one, other) < Direction.CLEAR) {
            return false;
          }
        }
      }
    }
    return true;
  }
}
