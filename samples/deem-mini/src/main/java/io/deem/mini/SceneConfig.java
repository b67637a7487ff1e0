package io.deem.mini;

import java.util.List;

/**
 * How scenes are composed. Start from {@link #standard()} or {@link #training()} and change what
 * differs.
 *
 * @param canvas pixels on a side, 16 to 1024
 * @param countWeights how often a scene has one object, two, and so on; up to six weights
 * @param frequencyExponent how unequal the concepts' frequencies are: the concept of popularity
 *     rank r (from 1) is drawn in proportion to r to the power of minus this; 0 makes them equal
 * @param coOccurrence probability that a further object comes from the first one's category
 * @param repetition probability that a further object repeats an earlier concept
 * @param maxDegrees largest turn of an object either way, 0 to 180
 * @param maxOverlap largest share of an object's box that another's may cover, 0 to 1
 * @param patternedShare probability of a patterned ground
 * @param jitter how the objects' colours vary
 */
public record SceneConfig(
    int canvas,
    List<Double> countWeights,
    double frequencyExponent,
    double coOccurrence,
    double repetition,
    double maxDegrees,
    double maxOverlap,
    double patternedShare,
    ColorJitter jitter) {

  private static final int MAX_OBJECTS = 6;

  /** Checks the ranges. */
  public SceneConfig {
    countWeights = List.copyOf(countWeights);
    require(canvas >= 16 && canvas <= 1024, "canvas", canvas);
    require(
        !countWeights.isEmpty()
            && countWeights.size() <= MAX_OBJECTS
            && countWeights.stream().allMatch(w -> w >= 0 && Double.isFinite(w))
            && countWeights.stream().anyMatch(w -> w > 0),
        "countWeights",
        countWeights);
    require(
        frequencyExponent >= 0 && frequencyExponent <= 4, "frequencyExponent", frequencyExponent);
    require(isShare(coOccurrence), "coOccurrence", coOccurrence);
    require(isShare(repetition), "repetition", repetition);
    require(maxDegrees >= 0 && maxDegrees <= 180, "maxDegrees", maxDegrees);
    require(isShare(maxOverlap), "maxOverlap", maxOverlap);
    require(isShare(patternedShare), "patternedShare", patternedShare);
  }

  /** One to four objects on 64x64 pixels, in the artists' colours. */
  public static SceneConfig standard() {
    return new SceneConfig(
        64, List.of(0.25, 0.3, 0.25, 0.2), 0.5, 0.3, 0.15, 15, 0.1, 0.6, ColorJitter.NONE);
  }

  /** {@link #standard()} with varied colours. */
  public static SceneConfig training() {
    return standard().withJitter(ColorJitter.TRAINING);
  }

  /** The same with another canvas, in pixels on a side. */
  public SceneConfig withCanvas(int pixels) {
    return new SceneConfig(
        pixels,
        countWeights,
        frequencyExponent,
        coOccurrence,
        repetition,
        maxDegrees,
        maxOverlap,
        patternedShare,
        jitter);
  }

  /** The same with other numbers of objects: the weight of one object, of two, and so on. */
  public SceneConfig withCountWeights(Double... weights) {
    return new SceneConfig(
        canvas,
        List.of(weights),
        frequencyExponent,
        coOccurrence,
        repetition,
        maxDegrees,
        maxOverlap,
        patternedShare,
        jitter);
  }

  /** The same with other probabilities of concepts. */
  public SceneConfig withFrequencies(double exponent, double fromSameCategory, double repeated) {
    return new SceneConfig(
        canvas,
        countWeights,
        exponent,
        fromSameCategory,
        repeated,
        maxDegrees,
        maxOverlap,
        patternedShare,
        jitter);
  }

  /** The same with another share of patterned grounds. */
  public SceneConfig withPatternedShare(double share) {
    return new SceneConfig(
        canvas,
        countWeights,
        frequencyExponent,
        coOccurrence,
        repetition,
        maxDegrees,
        maxOverlap,
        share,
        jitter);
  }

  /** The same with other variation of colours. */
  public SceneConfig withJitter(ColorJitter other) {
    return new SceneConfig(
        canvas,
        countWeights,
        frequencyExponent,
        coOccurrence,
        repetition,
        maxDegrees,
        maxOverlap,
        patternedShare,
        other);
  }

  private static boolean isShare(double value) {
    return value >= 0 && value <= 1;
  }

  private static void require(boolean holds, String name, Object value) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + value + ", which is out of range");
    }
  }
}
