package io.deem.mini;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Questions about scenes whose answers hold beyond doubt: what could be claimed for a picture is
 * never a wrong answer about it, and what is unclear is not asked. Choices follow from the seed and
 * the scene's index. Thread-safe.
 */
public final class Questions {

  /** How often {@link #draw(Scene, int)} asks each kind, where the scene allows it. */
  public static final Map<QuestionKind, Double> STANDARD_MIX =
      Map.of(
          QuestionKind.PRESENCE, 0.44,
          QuestionKind.COUNT_OBJECTS, 0.07,
          QuestionKind.COUNT, 0.06,
          QuestionKind.COLOR, 0.09,
          QuestionKind.COLOR_CHECK, 0.06,
          QuestionKind.RELATION, 0.08,
          QuestionKind.RELATION_CHECK, 0.12,
          QuestionKind.WHAT, 0.08);

  private static final List<Negative> NEGATIVES = List.of(Negative.values());

  private final Wrong wrong;
  private final long seed;

  /**
   * Questions about scenes of this vocabulary; absent concepts come from it too.
   *
   * @param vocabulary that of the scenes' generator
   * @param seed any number
   */
  public Questions(Vocabulary vocabulary, long seed) {
    this.wrong = new Wrong(vocabulary);
    this.seed = seed;
  }

  /**
   * A pair of presence questions, the first answered yes, the second no, as a balanced benchmark
   * wants them.
   *
   * @return two questions; none where no concept of that kind is surely absent
   */
  public List<Question> presence(Scene scene, Negative kind) {
    SceneRandom random = SceneRandom.of("presence " + kind, seed, scene.index());
    Concept present = random.pick(scene.objects()).concept();
    Optional<Concept> absent = wrong.absent(scene, kind, random);
    return absent.isEmpty()
        ? List.of()
        : List.of(presenceQuestion(present, true), presenceQuestion(absent.get(), false));
  }

  /**
   * Every question of a kind that the scene allows; of yes/no questions equally many are answered
   * yes and no.
   */
  public List<Question> all(Scene scene, QuestionKind kind) {
    SceneRandom random = SceneRandom.of("all " + kind, seed, scene.index());
    return switch (kind) {
      case PRESENCE -> allPresence(scene, random);
      case COUNT_OBJECTS -> countObjects(scene);
      case COUNT -> count(scene);
      case COLOR -> color(scene);
      case COLOR_CHECK -> colorCheck(scene, random);
      case RELATION -> relation(scene, random);
      case RELATION_CHECK -> relationCheck(scene);
      case WHAT -> what(scene, random);
      case ORIENTATION -> List.of();
    };
  }

  /** {@link #draw(Scene, int, Map)} with {@link #STANDARD_MIX}. */
  public List<Question> draw(Scene scene, int count) {
    return draw(scene, count, STANDARD_MIX);
  }

  /**
   * Questions for training, drawn from the kinds that the scene allows. Yes and no are equally
   * likely; the same question may come twice.
   *
   * @param count how many
   * @param mix how often each kind is asked, relative to the others
   * @throws IllegalArgumentException if the mix leaves nothing that can be asked
   */
  public List<Question> draw(Scene scene, int count, Map<QuestionKind, Double> mix) {
    SceneRandom random = SceneRandom.of("draw", seed, scene.index());
    QuestionKind[] kinds = QuestionKind.values();
    double[] weights = new double[kinds.length];
    for (int i = 0; i < kinds.length; i++) {
      weights[i] = mix.getOrDefault(kinds[i], 0.0);
    }
    Map<QuestionKind, List<Question>> asked = new EnumMap<>(QuestionKind.class);
    List<Question> drawn = new ArrayList<>();
    while (drawn.size() < count) {
      double[] sums = weights.clone();
      Arrays.parallelPrefix(sums, Double::sum);
      if (!(sums[kinds.length - 1] > 0)) {
        throw new IllegalArgumentException("Scene " + scene.index() + " allows none of " + mix);
      }
      int i = random.nextIndex(sums);
      List<Question> questions = asked.computeIfAbsent(kinds[i], kind -> all(scene, kind));
      if (questions.isEmpty()) {
        weights[i] = 0;
      } else {
        drawn.add(random.pick(questions));
      }
    }
    return drawn;
  }

  static Question presenceQuestion(Concept concept, boolean present) {
    return Question.yesNo(
        QuestionKind.PRESENCE, Phrases.presenceQuestion(concept), present, concept);
  }

  /** "Is the dog upside down?" */
  static Question orientationQuestion(Concept concept, boolean turned) {
    String text =
        Phrases.capital(Phrases.be(concept)) + " " + Phrases.definite(concept) + " upside down?";
    return Question.yesNo(QuestionKind.ORIENTATION, text, turned, concept);
  }

  private List<Question> allPresence(Scene scene, SceneRandom random) {
    List<Question> questions = new ArrayList<>();
    for (Scene.Group group : scene.groups()) {
      Negative kind = random.pick(NEGATIVES);
      Optional<Concept> absent =
          wrong.absent(scene, kind, random).or(() -> wrong.absent(scene, Negative.RANDOM, random));
      if (absent.isPresent()) {
        questions.add(presenceQuestion(group.concept(), true));
        questions.add(presenceQuestion(absent.get(), false));
      }
    }
    return questions;
  }

  private static List<Question> countObjects(Scene scene) {
    // A pair of socks is one object to some and two to others.
    if (!scene.objects().stream()
        .allMatch(o -> o.concept().number() == Concept.GrammaticalNumber.SINGULAR)) {
      return List.of();
    }
    return List.of(
        new Question(
            QuestionKind.COUNT_OBJECTS,
            "How many objects are in the image?",
            Phrases.NUMBERS.get(scene.objects().size()),
            numberOptions(scene.objects().size()),
            List.of()));
  }

  private static List<Question> count(Scene scene) {
    return scene.groups().stream()
        .filter(group -> group.concept().countable())
        .map(group -> countQuestion(group.concept(), group.count()))
        .toList();
  }

  /** "How many dogs are in the image?" */
  static Question countQuestion(Concept concept, int count) {
    return new Question(
        QuestionKind.COUNT,
        "How many " + concept.plural().orElseThrow() + " are in the image?",
        Phrases.NUMBERS.get(count),
        numberOptions(count),
        List.of(concept));
  }

  private static List<String> numberOptions(int answer) {
    return Phrases.NUMBERS.subList(1, Math.max(4, answer) + 1);
  }

  private static List<Question> color(Scene scene) {
    List<Question> questions = new ArrayList<>();
    for (PlacedObject object : single(scene)) {
      if (object.color().isPresent()) {
        Concept concept = object.concept();
        questions.add(
            new Question(
                QuestionKind.COLOR,
                "What color " + Phrases.be(concept) + " " + Phrases.definite(concept) + "?",
                object.color().get(),
                Concept.COLOR_NAMES,
                List.of(concept)));
      }
    }
    return questions;
  }

  private List<Question> colorCheck(Scene scene, SceneRandom random) {
    List<Question> questions = new ArrayList<>();
    for (PlacedObject object : single(scene)) {
      Concept concept = object.concept();
      Optional<String> other = wrong.color(concept, scene.style(), random);
      if (object.color().isPresent() && other.isPresent()) {
        questions.add(colorCheck(concept, object.color().get(), true));
        questions.add(colorCheck(concept, other.get(), false));
      }
    }
    return questions;
  }

  static Question colorCheck(Concept concept, String color, boolean yes) {
    String text =
        Phrases.capital(Phrases.be(concept)) + " " + Phrases.definite(concept) + " " + color + "?";
    return Question.yesNo(QuestionKind.COLOR_CHECK, text, yes, concept);
  }

  private List<Question> relation(Scene scene, SceneRandom random) {
    List<Question> questions = new ArrayList<>();
    for (PlacedObject object : single(scene)) {
      for (Direction direction : Direction.values()) {
        onlyOne(scene, object, direction)
            .flatMap(found -> relation(scene, object, direction, found.concept(), random))
            .ifPresent(questions::add);
      }
    }
    return questions;
  }

  private Optional<Question> relation(
      Scene scene, PlacedObject object, Direction direction, Concept found, SceneRandom random) {
    List<String> options = new ArrayList<>(List.of(found.label()));
    for (Scene.Group group : scene.groups()) {
      Concept other = group.concept();
      if (!other.equals(found) && !other.equals(object.concept())) {
        options.add(other.label());
      }
    }
    wrong.fill(options, scene, random);
    if (options.size() < 2) {
      return Optional.empty();
    }
    String text = "What is " + direction.words() + " " + Phrases.definite(object.concept()) + "?";
    return Optional.of(
        new Question(
            QuestionKind.RELATION, text, found.label(), options, List.of(object.concept(), found)));
  }

  /** The object that alone lies in a direction, clearly, if all others clearly do not. */
  private static Optional<PlacedObject> onlyOne(
      Scene scene, PlacedObject object, Direction direction) {
    PlacedObject found = null;
    for (PlacedObject other : scene.objects()) {
      if (other.equals(object) || direction.distance(other, object) <= 0) {
        continue;
      }
      boolean clear = Direction.of(other, object).equals(Optional.of(direction));
      if (!clear || found != null) {
        return Optional.empty();
      }
      found = other;
    }
    return Optional.ofNullable(found);
  }

  private static List<Question> relationCheck(Scene scene) {
    List<Question> questions = new ArrayList<>();
    List<PlacedObject> objects = single(scene);
    for (PlacedObject a : objects) {
      for (PlacedObject b : objects) {
        Optional<Direction> direction = a.equals(b) ? Optional.empty() : Direction.of(a, b);
        if (direction.isPresent()) {
          questions.add(relationCheck(a.concept(), direction.get(), b.concept(), true));
          questions.add(relationCheck(a.concept(), direction.get().opposite(), b.concept(), false));
        }
      }
    }
    return questions;
  }

  static Question relationCheck(Concept a, Direction direction, Concept b, boolean yes) {
    String text =
        Phrases.capital(Phrases.be(a))
            + " "
            + Phrases.definite(a)
            + " "
            + direction.words()
            + " "
            + Phrases.definite(b)
            + "?";
    return Question.yesNo(QuestionKind.RELATION_CHECK, text, yes, a, b);
  }

  private List<Question> what(Scene scene, SceneRandom random) {
    if (scene.objects().size() != 1) {
      return List.of();
    }
    Concept concept = scene.objects().get(0).concept();
    List<String> options = new ArrayList<>(List.of(concept.label()));
    wrong.fill(options, scene, random);
    return List.of(
        new Question(
            QuestionKind.WHAT,
            "What is in the image?",
            concept.label(),
            options,
            List.of(concept)));
  }

  /** The objects whose concept occurs once, so that "the dog" says which one is meant. */
  static List<PlacedObject> single(Scene scene) {
    return scene.groups().stream()
        .filter(group -> group.count() == 1)
        .map(group -> group.members().get(0))
        .toList();
  }
}
