package io.deem.mini;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An endless sequence of scenes. The scene of an index depends on nothing but the seed, the index
 * and the configuration, so that any number of threads may draw any scenes in any order. With the
 * same seed, generators of different styles draw the same concepts, so that styles can be compared
 * pairwise. Thread-safe.
 *
 * <pre>{@code
 * EmojiCorpus corpus = EmojiCorpus.open(folder, EmojiStyle.NOTO, EmojiStyle.TWEMOJI);
 * Vocabulary vocabulary =
 *     Vocabulary.of(corpus.concepts().select(folder.resolve("vocabulary.txt")));
 * SceneGenerator scenes = SceneGenerator.training(1, corpus, vocabulary, SceneConfig.training());
 * Scene first = scenes.scene(0);
 * }</pre>
 */
public final class SceneGenerator {

  private static final String TRAINING = "training";
  private static final String EVALUATION = "evaluation";
  private static final int MAX_ATTEMPTS = 100;

  /** Each part of a scene has random numbers of its own, so that one does not move another. */
  private enum Part {
    CONCEPTS,
    STYLE,
    LAYOUT,
    COLORS,
    GROUND
  }

  private final long seed;
  private final String purpose;
  private final EmojiCorpus corpus;
  private final List<EmojiStyle> styles;
  private final SceneConfig config;
  private final double[] counts;
  private final Frequencies all;
  private final Map<String, Frequencies> byCategory = new HashMap<>();

  private SceneGenerator(
      long seed,
      String purpose,
      EmojiCorpus corpus,
      Collection<EmojiStyle> styles,
      Vocabulary vocabulary,
      SceneConfig config) {
    for (EmojiStyle style : styles) {
      if (!corpus.styles().contains(style)) {
        throw new IllegalArgumentException("The style " + style.id() + " is not open");
      }
    }
    this.seed = seed;
    this.purpose = purpose;
    this.corpus = corpus;
    this.styles = styles.stream().sorted().toList();
    this.config = config;
    this.counts =
        cumulative(config.countWeights().stream().mapToDouble(Double::doubleValue).toArray());
    List<Concept> ranked = vocabulary.byPopularity();
    this.all = new Frequencies(ranked, ranked, config.frequencyExponent());
    for (Concept concept : ranked) {
      byCategory.computeIfAbsent(
          concept.category(),
          category ->
              new Frequencies(
                  ranked.stream().filter(c -> c.category().equals(category)).toList(),
                  ranked,
                  config.frequencyExponent()));
    }
  }

  /**
   * Scenes to train on, in the training styles.
   *
   * @throws IllegalArgumentException if the vocabulary holds a concept that training must not see,
   *     or the corpus was opened without a training style
   */
  public static SceneGenerator training(
      long seed, EmojiCorpus corpus, Vocabulary vocabulary, SceneConfig config) {
    for (Concept concept : vocabulary.concepts()) {
      if (!concept.seen()) {
        throw new IllegalArgumentException(
            "Training must not see the concept " + concept.id() + ", whose split is unseen");
      }
    }
    return new SceneGenerator(
        seed, TRAINING, corpus, EmojiStyle.trainedStyles(), vocabulary, config);
  }

  /**
   * Scenes to test on, in one style. They differ from those of {@link #training} for any seed.
   *
   * @throws IllegalArgumentException if the corpus was opened without this style
   */
  public static SceneGenerator evaluation(
      long seed, EmojiCorpus corpus, EmojiStyle style, Vocabulary vocabulary, SceneConfig config) {
    return new SceneGenerator(seed, EVALUATION, corpus, List.of(style), vocabulary, config);
  }

  /** The scene of this index, drawn anew on each call. */
  public Scene scene(long index) {
    return paint(plan(index));
  }

  /** What the scene of this index will show. */
  ScenePlan plan(long index) {
    EmojiStyle style = random(Part.STYLE, index).pick(styles);
    List<Concept> concepts = drawConcepts(random(Part.CONCEPTS, index));
    SceneRandom colors = random(Part.COLORS, index);
    boolean strong = colors.chance(config.jitter().strongShare());
    List<Glyph> glyphs = new ArrayList<>();
    List<ColorShift> shifts = new ArrayList<>();
    List<double[]> inks = new ArrayList<>();
    for (Concept concept : concepts) {
      Glyph glyph = corpus.glyph(style, concept);
      ColorShift shift = drawShift(colors, strong);
      glyphs.add(glyph);
      shifts.add(shift);
      inks.add(shift.apply(glyph.rimColor()));
      inks.add(shift.apply(glyph.meanColor()));
    }
    Ground ground = GroundPainter.choose(random(Part.GROUND, index), inks, config.patternedShare());
    SceneRandom layout = random(Part.LAYOUT, index);
    double[] degrees = new double[concepts.size()];
    List<Box> turned = new ArrayList<>();
    for (int i = 0; i < degrees.length; i++) {
      degrees[i] = layout.between(-config.maxDegrees(), config.maxDegrees());
      turned.add(glyphs.get(i).turnedBox(degrees[i]));
    }
    List<Layout.Place> places = Layout.place(layout, turned, config.maxOverlap());
    List<ScenePlan.Item> items = new ArrayList<>();
    for (int i = 0; i < degrees.length; i++) {
      Concept concept = concepts.get(i);
      Optional<String> color = strong ? Optional.empty() : concept.color(style);
      items.add(new ScenePlan.Item(concept, degrees[i], places.get(i), shifts.get(i), color));
    }
    return new ScenePlan(index, style, items, ground);
  }

  /** The picture of a plan. */
  Scene paint(ScenePlan plan) {
    ScenePainter painter = new ScenePainter(config.canvas());
    painter.paint(plan.ground());
    List<PlacedObject> objects = new ArrayList<>();
    for (ScenePlan.Item item : plan.items()) {
      Glyph glyph = corpus.glyph(plan.style(), item.concept());
      Box turned = glyph.turnedBox(item.degrees());
      painter.paint(glyph, item.degrees(), turned, item.place(), item.shift());
      Box box = item.place().box();
      objects.add(
          new PlacedObject(
              item.concept(),
              box.centerX(),
              box.centerY(),
              item.place().size(),
              item.degrees(),
              box,
              item.color()));
    }
    return new Scene(plan.index(), plan.style(), painter.finish(), objects, plan.ground());
  }

  private SceneRandom random(Part part, long index) {
    return SceneRandom.of(purpose + " " + part, seed, index);
  }

  private ColorShift drawShift(SceneRandom random, boolean strong) {
    ColorJitter jitter = config.jitter();
    return strong
        ? ColorShift.draw(random, jitter.strongHueDegrees(), jitter.strongRange())
        : ColorShift.draw(random, jitter.gentleHueDegrees(), jitter.gentleRange());
  }

  /**
   * Concepts of one scene: repeated ones are equal, others cannot be taken for one another. There
   * are fewer than drawn where the vocabulary offers no more that can be told apart.
   */
  private List<Concept> drawConcepts(SceneRandom random) {
    int count = random.nextIndex(counts) + 1;
    List<Concept> concepts = new ArrayList<>();
    for (int attempt = 0; attempt < 2 * MAX_ATTEMPTS && concepts.size() < count; attempt++) {
      // Late attempts draw freely, since a small category or an uncountable concept can block.
      boolean free = concepts.isEmpty() || attempt >= MAX_ATTEMPTS;
      if (!free && random.chance(config.repetition())) {
        Concept earlier = random.pick(concepts);
        if (earlier.countable()) {
          concepts.add(earlier);
        }
      } else {
        boolean related = !free && random.chance(config.coOccurrence());
        Frequencies source = related ? byCategory.get(concepts.get(0).category()) : all;
        Concept next = source.draw(random);
        if (concepts.stream().noneMatch(next::confusableWith)) {
          concepts.add(next);
        }
      }
    }
    return concepts;
  }

  private static double[] cumulative(double[] weights) {
    double[] sums = weights.clone();
    Arrays.parallelPrefix(sums, Double::sum);
    return sums;
  }

  /** Concepts with their probabilities, which follow from their ranks in the whole vocabulary. */
  private static final class Frequencies {
    private final List<Concept> concepts;
    private final double[] sums;

    Frequencies(List<Concept> concepts, List<Concept> ranked, double exponent) {
      this.concepts = concepts;
      this.sums =
          cumulative(
              concepts.stream()
                  .mapToDouble(c -> StrictMath.pow(ranked.indexOf(c) + 1, -exponent))
                  .toArray());
    }

    Concept draw(SceneRandom random) {
      return concepts.get(random.nextIndex(sums));
    }
  }
}
