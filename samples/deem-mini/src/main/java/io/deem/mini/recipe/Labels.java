package io.deem.mini.recipe;

import io.deem.mini.Concept;
import io.deem.mini.Vocabulary;
import io.deem.text.Tokenizer;
import io.deem.weights.ModelWeights;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the language model knows of the vocabulary's nouns: for each concept the mean embedding of
 * its label's tokens.
 */
final class Labels {

  private final Vocabulary vocabulary;
  private final Map<String, Integer> index = new HashMap<>();
  private final float[] embeddings;
  private final float[] colors;
  private final double meanNorm;

  private Labels(Vocabulary vocabulary, float[] embeddings, float[] colors) {
    this.vocabulary = vocabulary;
    this.embeddings = embeddings;
    this.colors = colors;
    for (Concept concept : vocabulary.concepts()) {
      index.put(concept.id(), index.size());
    }
    int width = MiniArchitecture.LANGUAGE_WIDTH;
    double sum = 0;
    for (int i = 0; i < size(); i++) {
      double square = 0;
      for (int k = 0; k < width; k++) {
        square += embeddings[i * width + k] * embeddings[i * width + k];
      }
      sum += Math.sqrt(square);
    }
    meanNorm = sum / size();
  }

  /** The concepts of {@code vocabulary.txt} and their embeddings. */
  static Labels read(Recipe recipe) throws IOException {
    return read(recipe, Integer.MAX_VALUE);
  }

  /** The first concepts of {@code vocabulary.txt}, at most {@code count}. */
  static Labels read(Recipe recipe, int count) throws IOException {
    Path folder = recipe.data().resolve("stories15M");
    try (Tokenizer tokenizer = Tokenizer.open(folder.resolve("tokenizer.json"));
        TensorSource weights = ModelWeights.open(folder)) {
      List<Concept> concepts =
          recipe
              .corpus()
              .concepts()
              .select(recipe.data().resolve("emoji").resolve("vocabulary.txt"))
              .stream()
              .limit(count)
              .toList();
      float[] table = weights.floats("model.embed_tokens.weight");
      Vocabulary vocabulary = Vocabulary.of(concepts);
      List<String> names = vocabulary.concepts().stream().map(Concept::label).toList();
      return new Labels(
          vocabulary, embed(tokenizer, table, names), embed(tokenizer, table, Concept.COLOR_NAMES));
    }
  }

  /** The mean embedding of each text's tokens, [texts, width]. */
  private static float[] embed(Tokenizer tokenizer, float[] table, List<String> texts) {
    int width = MiniArchitecture.LANGUAGE_WIDTH;
    float[] embeddings = new float[texts.size() * width];
    for (int i = 0; i < texts.size(); i++) {
      long[] ids = tokenizer.encodeWithoutBegin(texts.get(i));
      for (long id : ids) {
        for (int k = 0; k < width; k++) {
          embeddings[i * width + k] += table[(int) id * width + k] / ids.length;
        }
      }
    }
    return embeddings;
  }

  /** The concepts, in the order of their numbers. */
  Vocabulary vocabulary() {
    return vocabulary;
  }

  /** How many there are. */
  int size() {
    return vocabulary.concepts().size();
  }

  /** The number of a concept. */
  int of(Concept concept) {
    return index.get(concept.id());
  }

  /** [concepts, language width]. */
  float[] embeddings() {
    return embeddings;
  }

  /**
   * Embeddings of the names of colours, [colours, language width], as in {@link
   * Concept#COLOR_NAMES}.
   */
  float[] colors() {
    return colors;
  }

  /** The mean length of an embedding. */
  double meanNorm() {
    return meanNorm;
  }
}
