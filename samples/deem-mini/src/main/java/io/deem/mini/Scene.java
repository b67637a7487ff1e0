package io.deem.mini;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A picture and the truth about it.
 *
 * @param index its number in the generator's sequence
 * @param style style that all of its objects are drawn in
 * @param picture the pixels
 * @param objects what it shows, in the order in which it was painted
 * @param ground what the objects lie on
 */
public record Scene(
    long index, EmojiStyle style, Raster picture, List<PlacedObject> objects, Ground ground) {

  /** Makes the list immutable. */
  public Scene {
    objects = List.copyOf(objects);
  }

  /** Its objects, those of one concept together, from left to right. */
  public List<Group> groups() {
    List<Group> groups = new ArrayList<>();
    for (PlacedObject object : objects) {
      if (groups.stream().noneMatch(group -> group.concept().equals(object.concept()))) {
        groups.add(
            new Group(
                objects.stream()
                    .filter(other -> other.concept().equals(object.concept()))
                    .toList()));
      }
    }
    groups.sort(Comparator.comparingDouble(Group::x));
    return List.copyOf(groups);
  }

  /** Whether it shows this concept, or one that could be taken for it. */
  public boolean mayShow(Concept concept) {
    return objects.stream().anyMatch(object -> object.concept().confusableWith(concept));
  }

  /**
   * The objects of one concept.
   *
   * @param members at least one
   */
  public record Group(List<PlacedObject> members) {

    /** What they are. */
    public Concept concept() {
      return members.get(0).concept();
    }

    /** How many there are. */
    public int count() {
      return members.size();
    }

    /** Mean distance of their middles from the left. */
    double x() {
      return members.stream().mapToDouble(PlacedObject::x).average().orElseThrow();
    }

    /** The colour that holds for all of them, if there is one. */
    public Optional<String> color() {
      return members.stream().allMatch(o -> o.color().equals(members.get(0).color()))
          ? members.get(0).color()
          : Optional.empty();
    }
  }
}
