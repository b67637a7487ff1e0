package io.deem.perception;

import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.generation.TextGeneration;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.InterleavedDecoder;
import io.deem.model.LlamaDecoder;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Text that follows text and images: generated token by token, or given and scored.
 *
 * <p>A prompt counts as its beginning alone: the lengths and penalties of a {@link
 * GenerationConfig} see one begin token and what was generated, as they do in the reference.
 */
public final class InterleavedText {

  private final DeemNetwork network;

  /** Text by a network. */
  public InterleavedText(DeemNetwork network) {
    this.network = network;
  }

  /**
   * The images of a batch as the language model takes them, in the order of their places.
   *
   * @param tokens [images, tokens per image, width]
   * @param maps [images, width, h, w] at each scale
   */
  public record Sight(Value tokens, List<Value> maps) {

    /** What the encoder saw. */
    public static Sight of(VisualTokenizer.Tokens seen) {
      return new Sight(seen.tokens(), seen.maps());
    }
  }

  /**
   * The model, given prompts.
   *
   * @param batch the prompts, padded on the left
   * @param sight null if there are no images
   */
  public LlamaTokenModel prompted(Scope scope, InterleavedBatch batch, Sight sight) {
    InterleavedDecoder language = network.language();
    Value embedded = language.embed(scope, batch, sight == null ? null : sight.tokens);
    LlamaDecoder.Images images = sight == null ? null : language.images(scope, batch, sight.maps);
    return LlamaTokenModel.ofEmbeddings(
        scope, language.decoder(), language.head(), embedded, batch.real(), images);
  }

  /**
   * Continues prompts.
   *
   * @param batch the prompts, padded on the left
   * @param sight null if there are no images
   * @return texts that start with a begin token, in place of their prompt
   */
  public Generation generate(
      Scope scope,
      InterleavedBatch batch,
      Sight sight,
      GenerationConfig config,
      GenerationListener listener) {
    RandomSource random = RandomSource.seeded(config.seed());
    return generate(scope, batch, sight, config, listener, text -> random);
  }

  /**
   * Continues prompts, each with draws of its own.
   *
   * @param batch the prompts, padded on the left
   * @param sight null if there are no images
   * @param random for each prompt what its tokens are drawn with if the configuration says so
   * @return texts that start with a begin token, in place of their prompt
   */
  public Generation generate(
      Scope scope,
      InterleavedBatch batch,
      Sight sight,
      GenerationConfig config,
      GenerationListener listener,
      IntFunction<RandomSource> random) {
    int[][] beginnings = new int[batch.rows()][];
    for (int row = 0; row < beginnings.length; row++) {
      beginnings[row] = new int[] {network.config().special().beginning()};
    }
    return TextGeneration.generate(
        prompted(scope, batch, sight), beginnings, config, listener, random);
  }

  /**
   * Log-probabilities of answers to one prompt, which is read once.
   *
   * @param prompt token ids, without padding
   * @param answers token ids of each, at least one
   * @param sight the prompt's images; null if there are none
   * @param check run before each pass
   * @return for each answer the sum of its tokens' log-probabilities
   */
  public double[] score(
      Scope scope, int[] prompt, List<int[]> answers, Sight sight, Runnable check) {
    InterleavedBatch batch =
        new InterleavedBatch(
            network.config().special(), List.of(prompt), InterleavedBatch.Padding.LEFT);
    return prompted(scope, batch, sight).score(answers, check);
  }
}
