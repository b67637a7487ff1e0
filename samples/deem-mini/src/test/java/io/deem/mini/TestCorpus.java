package io.deem.mini;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** The corpus of this module, read once for all tests. */
final class TestCorpus {

  static final Path FOLDER = Path.of("data", "emoji");
  static final EmojiCorpus CORPUS = open();
  static final Vocabulary VOCABULARY = vocabulary();

  private TestCorpus() {}

  static SceneGenerator training(long seed) {
    return SceneGenerator.training(seed, CORPUS, VOCABULARY, SceneConfig.training());
  }

  static SceneGenerator evaluation(long seed, EmojiStyle style) {
    return SceneGenerator.evaluation(seed, CORPUS, style, VOCABULARY, SceneConfig.standard());
  }

  private static EmojiCorpus open() {
    try {
      return EmojiCorpus.open(FOLDER, EmojiStyle.values());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Vocabulary vocabulary() {
    try {
      return Vocabulary.of(CORPUS.concepts().select(FOLDER.resolve("vocabulary.txt")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
