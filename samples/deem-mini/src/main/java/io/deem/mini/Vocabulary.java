package io.deem.mini;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The concepts that scenes are drawn from and questions ask about, in a fixed order. Each also has
 * a popularity rank, which depends on nothing but the set of concepts, so that training and
 * evaluation agree on which ones are popular.
 */
public final class Vocabulary {

  private final List<Concept> concepts;
  private final List<Concept> byPopularity;

  private Vocabulary(List<Concept> concepts) {
    this.concepts = concepts;
    List<Concept> ranked = new ArrayList<>(concepts);
    ranked.sort(
        Comparator.comparingLong((Concept c) -> SceneRandom.of("popularity " + c.id()).nextLong())
            .thenComparing(Concept::id));
    this.byPopularity = List.copyOf(ranked);
  }

  /**
   * A vocabulary of these concepts, in this order.
   *
   * @throws IllegalArgumentException if there are fewer than eight, too few for wrong answers
   */
  public static Vocabulary of(Collection<Concept> concepts) {
    List<Concept> distinct = List.copyOf(new LinkedHashSet<>(concepts));
    if (distinct.size() < 8) {
      throw new IllegalArgumentException(
          "A vocabulary needs at least 8 concepts, not " + distinct.size());
    }
    return new Vocabulary(distinct);
  }

  /** The concepts in the order given. */
  public List<Concept> concepts() {
    return concepts;
  }

  /** The concepts, the most popular one first. */
  public List<Concept> byPopularity() {
    return byPopularity;
  }

  /** The concepts' ids in the order given. */
  public List<String> ids() {
    return concepts.stream().map(Concept::id).toList();
  }
}
