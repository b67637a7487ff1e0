package io.deem.mini.recipe;

import io.deem.mini.EmojiCorpus;
import java.nio.file.Path;

/**
 * What all stages share.
 *
 * @param data the folder with {@code emoji} and {@code stories15M}
 * @param work where stages leave their results
 * @param corpus the training styles
 */
record Recipe(Path data, Path work, EmojiCorpus corpus) {

  /** The seed of everything. */
  static final long SEED = 20_261_123;

  /** Where a stage leaves its weights. */
  Path result(String stage) {
    return work.resolve(stage).resolve("model.safetensors");
  }

  /** Where a stage keeps its checkpoints. */
  Path checkpoints(String stage) {
    return work.resolve(stage).resolve("checkpoints");
  }
}
