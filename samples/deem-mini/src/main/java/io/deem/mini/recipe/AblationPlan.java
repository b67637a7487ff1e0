package io.deem.mini.recipe;

/**
 * The size of the ablation study.
 *
 * @param seeds repetitions of every arm but those of the sweep
 * @param concepts of the vocabulary, the first ones
 * @param pretraining steps of contrastive pre-training
 * @param pretrainingBatch scenes in such a step
 * @param prior steps that the image prior is trained further
 * @param steps of every arm
 * @param batch pictures in a step of an arm
 * @param scenes test scenes for each kind of presence question, pairs and robust questions; half as
 *     many for the other kinds
 */
record AblationPlan(
    int seeds,
    int concepts,
    int pretraining,
    int pretrainingBatch,
    int prior,
    int steps,
    int batch,
    int scenes) {

  /** Seed of the scenes that all arms are tested on, never of scenes that anything learns from. */
  static final long TEST_SEED = Recipe.SEED + 5_000;

  AblationPlan {
    if (seeds < 1 || concepts < 16 || steps < 2 || batch < 4 || batch % 2 != 0 || scenes < 2) {
      throw new IllegalArgumentException(
          "needs seeds >= 1, concepts >= 16, steps >= 2, an even batch >= 4 and scenes >= 2");
    }
  }

  /** The study as it is reported. */
  static AblationPlan standard() {
    return new AblationPlan(3, 48, 500, 64, 200, 160, 16, 96);
  }

  /** The same with another number of repetitions. */
  AblationPlan withSeeds(int count) {
    return new AblationPlan(
        count, concepts, pretraining, pretrainingBatch, prior, steps, batch, scenes);
  }

  /** The same with another number of steps of every arm. */
  AblationPlan withSteps(int count) {
    return new AblationPlan(
        seeds, concepts, pretraining, pretrainingBatch, prior, count, batch, scenes);
  }

  /** Seed of what an arm of a repetition learns from. */
  static long seed(int repetition) {
    return Recipe.SEED + 7_000 + 31L * repetition;
  }

  @Override
  public String toString() {
    return "concepts "
        + concepts
        + ", pretraining "
        + pretraining
        + " x "
        + pretrainingBatch
        + ", prior "
        + prior
        + ", steps "
        + steps
        + " x "
        + batch
        + ", scenes "
        + scenes;
  }
}
