package io.deem.mini.recipe;

import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.SceneBenchmark;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;

/**
 * Scenes for the ablation study.
 *
 * @param emoji all styles
 * @param labels of its concepts
 */
record AblationCorpus(EmojiCorpus emoji, Labels labels) {

  /** Labelled scenes of the training styles. */
  SceneGenerator training(long seed) {
    return SceneGenerator.training(seed, emoji, labels.vocabulary(), SceneConfig.training());
  }

  /** Scenes of one style. */
  SceneGenerator drawn(EmojiStyle style, long seed, SceneConfig config) {
    return SceneGenerator.evaluation(seed, emoji, style, labels.vocabulary(), config);
  }

  /** Test scenes of one style. */
  SceneGenerator test(EmojiStyle style) {
    return drawn(style, AblationPlan.TEST_SEED, SceneConfig.standard());
  }

  /** Questions about test scenes of one style. */
  SceneBenchmark benchmark(EmojiStyle style) {
    return new SceneBenchmark(
        emoji, style, labels.vocabulary(), MiniArchitecture.CANVAS, AblationPlan.TEST_SEED);
  }
}
