package io.deem.mini;

import io.deem.mini.Concept.GrammaticalNumber;
import java.util.List;
import java.util.Optional;

/** Concepts in sentences: articles, number, verbs. */
final class Phrases {

  /** Words for 0, 1, 2 and so on. */
  static final List<String> NUMBERS = List.of("zero", "one", "two", "three", "four", "five", "six");

  private Phrases() {}

  /** "a dog", "grapes", "butter", "the sun". */
  static String indefinite(Concept concept) {
    return join(concept.article(), concept.label());
  }

  /** "an orange carrot", "purple grapes"; without the colour where the thing is unique. */
  static String indefinite(Concept concept, String color) {
    return switch (concept.number()) {
      case UNIQUE -> indefinite(concept);
      case PLURAL, MASS -> color + " " + concept.label();
      case SINGULAR -> (startsWithVowel(color) ? "an " : "a ") + color + " " + concept.label();
    };
  }

  /** "the dog", "the grapes"; a name without an article stays without. */
  static String definite(Concept concept) {
    return concept.number() == GrammaticalNumber.UNIQUE
        ? indefinite(concept)
        : "the " + concept.label();
  }

  /** "a dog" or "two red dogs". */
  static String counted(Scene.Group group, Optional<String> color) {
    Concept concept = group.concept();
    if (group.count() == 1) {
      return color.map(name -> indefinite(concept, name)).orElseGet(() -> indefinite(concept));
    }
    String plural = concept.plural().orElseThrow();
    return join(NUMBERS.get(group.count()), join(color.orElse(""), plural));
  }

  /** "is" or "are". */
  static String be(Concept concept) {
    return concept.number() == GrammaticalNumber.PLURAL ? "are" : "is";
  }

  /** "Is there a dog in the image?". */
  static String presenceQuestion(Concept concept) {
    return concept.number() == GrammaticalNumber.UNIQUE
        ? "Is " + indefinite(concept) + " in the image?"
        : capital(be(concept)) + " there " + indefinite(concept) + " in the image?";
  }

  /** "a", "a and b", "a, b and c". */
  static String list(List<String> items) {
    int last = items.size() - 1;
    return last == 0
        ? items.get(0)
        : String.join(", ", items.subList(0, last)) + " and " + items.get(last);
  }

  static String capital(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }

  private static boolean startsWithVowel(String word) {
    return "aeiou".indexOf(word.charAt(0)) >= 0;
  }

  private static String join(String first, String second) {
    return first.isEmpty() ? second : first + " " + second;
  }
}
