package io.deem.mini;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Pairs of scenes that differ in exactly one property, with a question that has another answer for
 * each, after MMVP (Tong et al., 2024). Everything else, to the pixel, stays as it was.
 */
final class MinimalPairs {

  /** What two scenes of a pair differ in. */
  enum Property {
    PRESENCE,
    COUNT,
    COLOR,
    POSITION,
    ORIENTATION
  }

  /** Colours whose opposite, half a turn of the hue away, nobody calls by the same name. */
  private static final Set<String> CHROMATIC =
      Set.of("red", "orange", "yellow", "green", "blue", "purple", "pink");

  /** Below this difference from the mirror image a picture's sides look alike. */
  private static final double LEAST_ASYMMETRY = 0.12;

  private static final double LEAST_MASK_ASYMMETRY = 0.20;

  /** The same for the difference from the picture upside down. */
  private static final double LEAST_TURNED = 0.12;

  private static final double HALF_TURN = 180;

  private final EmojiCorpus corpus;
  private final SceneGenerator generator;
  private final Wrong wrong;

  MinimalPairs(EmojiCorpus corpus, SceneGenerator generator, Vocabulary vocabulary) {
    this.corpus = corpus;
    this.generator = generator;
    this.wrong = new Wrong(vocabulary);
  }

  /** A scene and a question about it. */
  record Half(Scene scene, Question question) {}

  /** Both halves of a pair. */
  record Pair(Half first, Half second) {}

  /** A pair that starts from a plan, if it allows this property. */
  Optional<Pair> pair(ScenePlan plan, Property property, SceneRandom random) {
    List<Integer> single =
        IntStream.range(0, plan.items().size()).filter(i -> alone(plan, i)).boxed().toList();
    if (single.isEmpty() && property != Property.COUNT) {
      return Optional.empty();
    }
    return switch (property) {
      case PRESENCE -> presence(plan, random.pick(single), random);
      case COUNT -> count(plan, random);
      case COLOR -> color(plan, single, random);
      case POSITION -> position(plan, single, random);
      case ORIENTATION -> orientation(plan, single, random);
    };
  }

  private static boolean alone(ScenePlan plan, int index) {
    Concept concept = plan.items().get(index).concept();
    return plan.items().stream().filter(item -> item.concept().equals(concept)).count() == 1;
  }

  private Optional<Pair> presence(ScenePlan plan, int index, SceneRandom random) {
    Scene scene = generator.paint(plan);
    Concept concept = plan.items().get(index).concept();
    return wrong
        .absent(scene, Negative.RANDOM, random)
        .map(
            other -> {
              ScenePlan.Item old = plan.items().get(index);
              ScenePlan changed =
                  plan.with(index, fitted(plan.style(), old, other, other.color(plan.style())));
              return new Pair(
                  new Half(scene, Questions.presenceQuestion(concept, true)),
                  new Half(generator.paint(changed), Questions.presenceQuestion(concept, false)));
            });
  }

  private Optional<Pair> count(ScenePlan plan, SceneRandom random) {
    List<Integer> several =
        IntStream.range(0, plan.items().size())
            .filter(i -> !alone(plan, i) && plan.items().get(i).concept().countable())
            .boxed()
            .toList();
    if (several.isEmpty()) {
      return Optional.empty();
    }
    int index = random.pick(several);
    Concept concept = plan.items().get(index).concept();
    int count = (int) plan.items().stream().filter(item -> item.concept().equals(concept)).count();
    return Optional.of(
        new Pair(
            new Half(generator.paint(plan), Questions.countQuestion(concept, count)),
            new Half(
                generator.paint(plan.without(index)),
                Questions.countQuestion(concept, count - 1))));
  }

  private Optional<Pair> color(ScenePlan plan, List<Integer> single, SceneRandom random) {
    List<Integer> colored =
        single.stream()
            .filter(i -> plan.items().get(i).color().filter(CHROMATIC::contains).isPresent())
            .toList();
    if (colored.isEmpty()) {
      return Optional.empty();
    }
    int index = random.pick(colored);
    ScenePlan.Item old = plan.items().get(index);
    String name = old.color().orElseThrow();
    ScenePlan.Item shifted =
        new ScenePlan.Item(
            old.concept(),
            old.degrees(),
            old.place(),
            ColorShift.of(HALF_TURN, 1, 1, 0),
            Optional.empty());
    return Optional.of(
        new Pair(
            new Half(generator.paint(plan), Questions.colorCheck(old.concept(), name, true)),
            new Half(
                generator.paint(plan.with(index, shifted)),
                Questions.colorCheck(old.concept(), name, false))));
  }

  private Optional<Pair> position(ScenePlan plan, List<Integer> single, SceneRandom random) {
    if (single.size() < 2) {
      return Optional.empty();
    }
    int a = random.pick(single);
    int b = random.pick(single);
    Scene scene = generator.paint(plan);
    if (a == b) {
      return Optional.empty();
    }
    Optional<Direction> direction = Direction.of(scene.objects().get(a), scene.objects().get(b));
    if (direction.isEmpty()) {
      return Optional.empty();
    }
    ScenePlan.Item first = plan.items().get(a);
    ScenePlan.Item second = plan.items().get(b);
    ScenePlan exchanged =
        plan.with(a, fitted(plan.style(), second, first))
            .with(b, fitted(plan.style(), first, second));
    Scene changed = generator.paint(exchanged);
    Optional<Direction> now = Direction.of(changed.objects().get(a), changed.objects().get(b));
    if (!now.equals(Optional.of(direction.get().opposite()))) {
      return Optional.empty();
    }
    return Optional.of(
        new Pair(
            new Half(scene, relation(first, direction.get(), second, true)),
            new Half(changed, relation(first, direction.get(), second, false))));
  }

  private static Question relation(
      ScenePlan.Item a, Direction direction, ScenePlan.Item b, boolean holds) {
    return Questions.relationCheck(a.concept(), direction, b.concept(), holds);
  }

  private Optional<Pair> orientation(ScenePlan plan, List<Integer> single, SceneRandom random) {
    List<Integer> oriented =
        single.stream()
            .filter(i -> isOriented(plan.style(), plan.items().get(i).concept()))
            .toList();
    if (oriented.isEmpty()) {
      return Optional.empty();
    }
    int index = random.pick(oriented);
    ScenePlan.Item old = plan.items().get(index);
    return Optional.of(
        new Pair(
            new Half(generator.paint(plan), Questions.orientationQuestion(old.concept(), false)),
            new Half(
                generator.paint(plan.with(index, turned(plan.style(), old))),
                Questions.orientationQuestion(old.concept(), true))));
  }

  /** Whether a picture shows which way up it is. */
  boolean isOriented(EmojiStyle style, Concept concept) {
    Concept.Appearance appearance = concept.appearances().get(style);
    boolean asymmetric =
        appearance != null
            && (appearance.asymmetry() >= LEAST_ASYMMETRY
                || appearance.maskAsymmetry() >= LEAST_MASK_ASYMMETRY);
    return asymmetric && corpus.glyph(style, concept).differenceWhenTurned() >= LEAST_TURNED;
  }

  private ScenePlan.Item turned(EmojiStyle style, ScenePlan.Item item) {
    Glyph glyph = corpus.glyph(style, item.concept());
    double degrees = item.degrees() + HALF_TURN;
    Box before = glyph.turnedBox(item.degrees());
    double size = item.place().size();
    double x = item.place().box().left() - size * before.left();
    double y = item.place().box().top() - size * before.top();
    Box box = glyph.turnedBox(degrees).scaledAndMoved(size, x, y);
    return new ScenePlan.Item(
        item.concept(), degrees, new Layout.Place(size, box), item.shift(), item.color());
  }

  /** One item's object in another's place. */
  private ScenePlan.Item fitted(EmojiStyle style, ScenePlan.Item place, ScenePlan.Item object) {
    ScenePlan.Item unplaced =
        new ScenePlan.Item(
            place.concept(), object.degrees(), place.place(), object.shift(), place.color());
    return fitted(style, unplaced, object.concept(), object.color());
  }

  /** Another concept in an item's place, as large as the box there allows, in its middle. */
  private ScenePlan.Item fitted(
      EmojiStyle style, ScenePlan.Item place, Concept concept, Optional<String> color) {
    Box old = place.place().box();
    Box unit = corpus.glyph(style, concept).turnedBox(place.degrees());
    double size =
        Math.min(
            (old.right() - old.left()) / (unit.right() - unit.left()),
            (old.bottom() - old.top()) / (unit.bottom() - unit.top()));
    Box box =
        unit.scaledAndMoved(
            size, old.centerX() - size * unit.centerX(), old.centerY() - size * unit.centerY());
    return new ScenePlan.Item(
        concept, place.degrees(), new Layout.Place(size, box), place.shift(), color);
  }

  /** A scene of an item turned upside down, or as it is. */
  Optional<Half> orientationHalf(ScenePlan plan, boolean turned, SceneRandom random) {
    return pair(plan, Property.ORIENTATION, random)
        .map(pair -> turned ? pair.second() : pair.first());
  }
}
