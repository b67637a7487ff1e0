package io.deem.mini;

import io.deem.mini.Concept.Appearance;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Wrong answers that are surely wrong. */
final class Wrong {

  private static final int OPTIONS = 4;

  /** Concepts that count as popular: this share of the vocabulary, but no fewer than eight. */
  private static final double POPULAR_SHARE = 0.12;

  /** A colour of more than this share of the ink could be named without being wrong. */
  private static final double NOTICEABLE_SHARE = 0.02;

  /** Colours that people name alike; the one is no wrong answer where the other is right. */
  private static final List<Set<String>> CLOSE =
      List.of(
          Set.of("red", "orange"),
          Set.of("red", "pink"),
          Set.of("red", "brown"),
          Set.of("orange", "yellow"),
          Set.of("orange", "brown"),
          Set.of("purple", "pink"),
          Set.of("purple", "blue"),
          Set.of("gray", "white"),
          Set.of("gray", "black"),
          Set.of("gray", "blue"),
          Set.of("brown", "black"),
          Set.of("brown", "yellow"));

  private final Vocabulary vocabulary;

  Wrong(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
  }

  /** A concept that the scene surely does not show. */
  Optional<Concept> absent(Scene scene, Negative kind, SceneRandom random) {
    List<Concept> source = kind == Negative.POPULAR ? popular(scene) : vocabulary.concepts();
    Set<String> present =
        scene.objects().stream()
            .map(object -> object.concept().subcategory())
            .collect(Collectors.toSet());
    List<Concept> candidates =
        source.stream()
            .filter(c -> kind != Negative.ADVERSARIAL || present.contains(c.subcategory()))
            .filter(c -> !scene.mayShow(c))
            .toList();
    return candidates.isEmpty() ? Optional.empty() : Optional.of(random.pick(candidates));
  }

  private List<Concept> popular(Scene scene) {
    int count = Math.max(8, (int) (POPULAR_SHARE * vocabulary.concepts().size()));
    return vocabulary.byPopularity().stream().filter(c -> !scene.mayShow(c)).limit(count).toList();
  }

  /** A colour that nobody would give the picture of a concept. */
  Optional<String> color(Concept concept, EmojiStyle style, SceneRandom random) {
    Appearance appearance = concept.appearances().get(style);
    if (appearance == null) {
      return Optional.empty();
    }
    List<String> candidates =
        Concept.COLOR_NAMES.stream()
            .filter(name -> appearance.colorShares().getOrDefault(name, 0.0) <= NOTICEABLE_SHARE)
            .filter(
                name ->
                    appearance.colors().stream()
                        .noneMatch(c -> c.equals(name) || CLOSE.contains(Set.of(c, name))))
            .toList();
    return candidates.isEmpty() ? Optional.empty() : Optional.of(random.pick(candidates));
  }

  /**
   * Adds labels of absent concepts until there are four options, and shuffles them. The first comes
   * from the subcategory of an object that is there, where there is one.
   */
  void fill(List<String> options, Scene scene, SceneRandom random) {
    Negative kind = Negative.ADVERSARIAL;
    for (int attempt = 0; attempt < 64 && options.size() < OPTIONS; attempt++) {
      Optional<Concept> absent = absent(scene, kind, random);
      if (absent.isPresent() && !options.contains(absent.get().label())) {
        options.add(absent.get().label());
      }
      kind = Negative.RANDOM;
    }
    random.shuffle(options);
  }
}
