package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.prompt.PromptBatch;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A task by its two steps.
 *
 * @param <P> a sample, prepared
 */
non-sealed interface PreparedTask<P> extends Task {

  /**
   * Reads a sample's pictures and draws what is drawn for it alone.
   *
   * @return nothing if this sample is not to be learnt from: chance left it out, or it is of
   *     another kind
   * @throws IOException if it is broken
   */
  Optional<P> prepare(Sample sample, Eyes eyes, RandomSource random) throws IOException;

  /** Puts prepared samples into prompts. */
  Rows rows(List<P> prepared, BatchFormat format, RandomSource random);

  /**
   * Prompts.
   *
   * @param batch the text and its pictures
   * @param learnsText whether next-token prediction counts
   * @param learnsImages whether next-image prediction counts
   * @param onlyAfterImages whether text without a picture before it does not count
   */
  record Rows(
      PromptBatch<SeenImage> batch,
      boolean learnsText,
      boolean learnsImages,
      boolean onlyAfterImages) {

    static Rows of(PromptBatch<SeenImage> batch) {
      boolean text = batch.objective() == PromptBatch.Objective.TEXT;
      return new Rows(batch, text, !text, false);
    }
  }
}
