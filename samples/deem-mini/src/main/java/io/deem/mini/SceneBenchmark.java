package io.deem.mini;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Questions about generated scenes of one style, by kind. Equal versions, seeds, styles and
 * vocabularies give equal scenes and questions, pixel by pixel; scenes of different styles show the
 * same concepts as far as both styles have them.
 */
public final class SceneBenchmark {

  /** Of scenes and questions; raised when either changes. */
  public static final int VERSION = 1;

  /** Scenes that are looked at for each group that is wanted, before a kind is given up. */
  private static final int LOOKED_AT = 12;

  /** What is asked, each scored for itself. */
  public enum Kind {
    /** Is there a concept, present or any absent one. */
    PRESENCE_RANDOM,
    /** Is there a concept, present or an absent one that is frequent in training. */
    PRESENCE_POPULAR,
    /** Is there a concept, present or an absent one of the subcategory of a present one. */
    PRESENCE_ADVERSARIAL,
    /** How many there are of a concept. */
    COUNT,
    /** What colour an object has. */
    COLOUR,
    /** Whether one object is to the left of, to the right of, above or below another. */
    POSITION,
    /** Whether an object is upside down; one is in every other scene. */
    ORIENTATION,
    /** {@link MinimalPairs}: right only if both halves are. */
    PAIRS,
    /** A single object: is it what it is, is it what it is {@linkplain Confusions taken for}. */
    ROBUST;

    /** The name in results, such as {@code presence-random}. */
    public String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * A question about a picture.
   *
   * @param group questions of equal group belong together: they are about one scene, or are halves
   *     of a pair
   */
  public record Asked(Kind kind, int group, Raster picture, Question question) {}

  private final EmojiStyle style;
  private final long seed;
  private final SceneGenerator scenes;
  private final SceneGenerator singles;
  private final Questions questions;
  private final MinimalPairs pairs;
  private final Confusions confusions;

  /**
   * A benchmark.
   *
   * @param corpus has the style open
   * @param vocabulary concepts that the scenes show and the questions name, all with a picture
   * @param canvas pixels on a side of the scenes, 16 to 1024
   */
  public SceneBenchmark(
      EmojiCorpus corpus, EmojiStyle style, Vocabulary vocabulary, int canvas, long seed) {
    SceneConfig config = SceneConfig.standard().withCanvas(canvas);
    this.style = style;
    this.seed = seed;
    this.scenes = SceneGenerator.evaluation(seed, corpus, style, vocabulary, config);
    this.singles =
        SceneGenerator.evaluation(seed, corpus, style, vocabulary, config.withCountWeights(1.0));
    this.questions = new Questions(vocabulary, seed);
    this.pairs = new MinimalPairs(corpus, scenes, vocabulary);
    this.confusions = new Confusions(corpus, style, vocabulary);
  }

  /** The style of the scenes. */
  public EmojiStyle style() {
    return style;
  }

  /**
   * Questions of a kind.
   *
   * @param groups how many groups to ask; fewer come where the style hardly allows the kind, such
   *     as colours of line art
   */
  public List<Asked> ask(Kind kind, int groups) {
    List<Asked> asked = new ArrayList<>();
    int group = 0;
    for (long index = 0; index < (long) LOOKED_AT * groups && group < groups; index++) {
      List<Asked> ofScene = ask(kind, index, group);
      asked.addAll(ofScene);
      group += ofScene.isEmpty() ? 0 : 1;
    }
    return asked;
  }

  private List<Asked> ask(Kind kind, long index, int group) {
    SceneRandom random = SceneRandom.of("benchmark " + kind.id(), VERSION, seed, index);
    return switch (kind) {
      case PRESENCE_RANDOM -> presence(kind, index, group, Negative.RANDOM);
      case PRESENCE_POPULAR -> presence(kind, index, group, Negative.POPULAR);
      case PRESENCE_ADVERSARIAL -> presence(kind, index, group, Negative.ADVERSARIAL);
      case COUNT -> one(kind, scenes.scene(index), group, QuestionKind.COUNT, random);
      case COLOUR -> one(kind, scenes.scene(index), group, QuestionKind.COLOR, random);
      case POSITION -> position(scenes.scene(index), group, random);
      case ORIENTATION ->
          pairs
              .orientationHalf(scenes.plan(index), group % 2 == 1, random)
              .map(half -> List.of(asked(kind, group, half)))
              .orElse(List.of());
      case PAIRS -> pair(index, group, random);
      case ROBUST -> robust(singles.scene(index), group);
    };
  }

  private List<Asked> presence(Kind kind, long index, int group, Negative negative) {
    Scene scene = scenes.scene(index);
    return questions.presence(scene, negative).stream()
        .map(question -> new Asked(kind, group, scene.picture(), question))
        .toList();
  }

  private List<Asked> one(
      Kind kind, Scene scene, int group, QuestionKind asked, SceneRandom random) {
    List<Question> possible = questions.all(scene, asked);
    return possible.isEmpty()
        ? List.of()
        : List.of(new Asked(kind, group, scene.picture(), random.pick(possible)));
  }

  /** A relation that holds and its opposite, which follow one another in all questions. */
  private List<Asked> position(Scene scene, int group, SceneRandom random) {
    List<Question> possible = questions.all(scene, QuestionKind.RELATION_CHECK);
    if (possible.isEmpty()) {
      return List.of();
    }
    int first = 2 * random.nextInt(possible.size() / 2);
    return List.of(
        new Asked(Kind.POSITION, group, scene.picture(), possible.get(first)),
        new Asked(Kind.POSITION, group, scene.picture(), possible.get(first + 1)));
  }

  /** Properties take turns; where a scene does not allow the one, the next scene is tried. */
  private List<Asked> pair(long index, int group, SceneRandom random) {
    MinimalPairs.Property[] properties = MinimalPairs.Property.values();
    MinimalPairs.Property property = properties[group % properties.length];
    Optional<MinimalPairs.Pair> pair = pairs.pair(scenes.plan(index), property, random);
    if (pair.isEmpty() && (index + 1) % LOOKED_AT == 0) {
      // A style without colours must not stop all the others.
      pair = pairs.pair(scenes.plan(index), MinimalPairs.Property.PRESENCE, random);
    }
    return pair.map(
            both ->
                List.of(
                    asked(Kind.PAIRS, group, both.first()),
                    asked(Kind.PAIRS, group, both.second())))
        .orElse(List.of());
  }

  private List<Asked> robust(Scene scene, int group) {
    Concept concept = scene.objects().get(0).concept();
    Concept confused = confusions.of(concept);
    return List.of(
        new Asked(Kind.ROBUST, group, scene.picture(), Questions.presenceQuestion(concept, true)),
        new Asked(
            Kind.ROBUST, group, scene.picture(), Questions.presenceQuestion(confused, false)));
  }

  private static Asked asked(Kind kind, int group, MinimalPairs.Half half) {
    return new Asked(kind, group, half.scene().picture(), half.question());
  }
}
