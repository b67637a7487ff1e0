package io.deem.training.data;

import io.deem.model.DeemConfig;
import io.deem.model.InterleavedBatch;
import io.deem.model.ModelFolder;
import io.deem.model.Prompts;
import io.deem.text.Tokenizer;
import io.deem.text.prompt.PromptFormat;

/**
 * What a model takes.
 *
 * @param prompts how texts become token ids
 * @param wording the texts that answers and captions continue, as {@code deem.json} has them
 * @param special ids with a meaning of their own
 * @param imageSize side of the square that the encoder sees, in pixels
 * @param drawnSize side of the square that the image decoder draws, in pixels
 */
public record BatchFormat(
    PromptFormat prompts,
    Prompts wording,
    InterleavedBatch.Special special,
    int imageSize,
    int drawnSize) {

  /**
   * The format of a model.
   *
   * @param longest most tokens of a row; longer ones are cut at their right end
   */
  public static BatchFormat of(ModelFolder model, int longest) {
    return of(model.network().config(), model.tokenizer(), model.description().prompts(), longest);
  }

  /** The format of a model in parts. */
  public static BatchFormat of(
      DeemConfig config, Tokenizer tokenizer, Prompts wording, int longest) {
    InterleavedBatch.Special special = config.special();
    return new BatchFormat(
        new PromptFormat(tokenizer, special.tokensPerImage(), longest),
        wording,
        special,
        config.imageSize(),
        config.drawnSize());
  }
}
