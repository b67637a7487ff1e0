package io.deem.mini;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A thing that the corpus shows in every style.
 *
 * @param id unique name, also the name of its picture
 * @param label what people call it, lower case, free of colour words
 * @param article "a", "an", "the", or empty where none is used
 * @param number how the label behaves in a sentence
 * @param plural the label for several of them; empty where there is none
 * @param category broad group, such as "animal"
 * @param subcategory narrower group, such as "bird"
 * @param similar ids of concepts that could also be claimed for its pictures, so are never wrong
 *     answers about them
 * @param seen whether training may show it
 * @param appearances what each style's picture looks like
 */
public record Concept(
    String id,
    String label,
    String article,
    GrammaticalNumber number,
    Optional<String> plural,
    String category,
    String subcategory,
    Set<String> similar,
    boolean seen,
    Map<EmojiStyle, Appearance> appearances) {

  /** The eleven colour names that questions use. */
  public static final List<String> COLOR_NAMES =
      List.of(
          "black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink",
          "brown");

  /** Makes the collections immutable. */
  public Concept {
    similar = Set.copyOf(similar);
    appearances = Map.copyOf(appearances);
  }

  /** How a label behaves in a sentence. */
  public enum GrammaticalNumber {
    /** One countable thing: a dog, two dogs. */
    SINGULAR,
    /** Always several: grapes, scissors. */
    PLURAL,
    /** Uncountable: butter. */
    MASS,
    /** There is only one: the sun. */
    UNIQUE
  }

  /**
   * What the picture of a concept looks like in one style.
   *
   * @param colors names of its main colours; empty where no name fits
   * @param colorShares share of the ink, 0 to 1, of the most frequent colour names
   * @param asymmetry difference between the picture and its mirror image, 0 to 1
   * @param maskAsymmetry the same for the silhouette
   */
  public record Appearance(
      List<String> colors,
      Map<String, Double> colorShares,
      double asymmetry,
      double maskAsymmetry) {

    /** Makes the collections immutable. */
    public Appearance {
      colors = List.copyOf(colors);
      colorShares = Map.copyOf(colorShares);
    }
  }

  /** Whether a picture of one could pass for the other: the same concept, or a similar one. */
  public boolean confusableWith(Concept other) {
    return id.equals(other.id) || similar.contains(other.id) || other.similar.contains(id);
  }

  /** Whether it can be counted: one dog, two dogs. */
  public boolean countable() {
    return number == GrammaticalNumber.SINGULAR && plural.isPresent();
  }

  /** The one colour that this style's picture is said to have, if it is exactly one. */
  public Optional<String> color(EmojiStyle style) {
    Appearance appearance = appearances.get(style);
    return appearance != null && appearance.colors().size() == 1
        ? Optional.of(appearance.colors().get(0))
        : Optional.empty();
  }
}
