package io.deem.text;

import io.deem.json.ErrorText;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Turns text into token ids and ids into text. Safe for use from many threads; after {@link
 * #close()} every conversion throws {@link IllegalStateException}.
 */
public interface Tokenizer extends AutoCloseable {
  /**
   * Opens a {@code tokenizer.json} file.
   *
   * @param path the file, or a model folder that holds one
   * @throws MalformedTokenizerException if it is not a tokenizer file
   * @throws IOException if it cannot be read
   */
  static Tokenizer open(Path path) throws IOException {
    return open(TokenizerFile.read(path));
  }

  /**
   * Makes the tokenizer that a file describes: {@link LlamaTokenizer} in its {@linkplain
   * LlamaTokenizer.Mode#FAST fast mode} where the file is of that kind, and for any other kind the
   * native library that DJL packages, if it is on the class path.
   *
   * @throws MalformedTokenizerException if the file's content cannot be used
   */
  static Tokenizer open(TokenizerFile file) throws IOException {
    Optional<LlamaTokenizer> llama = LlamaTokenizer.find(file, LlamaTokenizer.Mode.FAST);
    if (llama.isPresent()) {
      return llama.get();
    }
    try {
      return new NativeTokenizer(file);
    } catch (LinkageError e) {
      throw new MalformedTokenizerException(
          file.origin()
              + ": is no LLaMA tokenizer, and the library for other kinds is not on the class path"
              + " (ai.djl.huggingface:tokenizers)",
          e);
    }
  }

  /**
   * Ids of the text after one begin-of-sequence token. Special tokens in the text are recognised.
   */
  long[] encode(String text);

  /** Ids of the text alone. Special tokens in the text are recognised. */
  long[] encodeWithoutBegin(String text);

  /**
   * The text of a sequence of ids, special tokens left out.
   *
   * @throws IllegalArgumentException if an id is outside the vocabulary
   */
  default String decode(long... ids) {
    return decode(ids, false);
  }

  /**
   * The text of a sequence of ids.
   *
   * @param keepSpecialTokens whether special tokens are written out
   * @throws IllegalArgumentException if an id is outside the vocabulary
   */
  String decode(long[] ids, boolean keepSpecialTokens);

  /** The id of a token written as in the vocabulary, or nothing if there is no such token. */
  OptionalInt tokenId(String token);

  /** One more than the largest id: the rows that a table of token embeddings needs. */
  int vocabularySize();

  /** The file read from, for messages. */
  String origin();

  /**
   * The id of a token that must exist.
   *
   * @throws TokenizerMismatchException if there is no such token
   */
  default int requireTokenId(String token) {
    return tokenId(token)
        .orElseThrow(
            () ->
                new TokenizerMismatchException(
                    origin() + ": no token " + ErrorText.quote(token) + " in the vocabulary"));
  }

  /**
   * Makes sure that this is the tokenizer a model was trained with.
   *
   * @param vocabularySize the model's vocabulary size
   * @param specialTokens tokens with the ids the model knows them by
   * @throws TokenizerMismatchException naming what the model needs and what this tokenizer has
   */
  default void require(int vocabularySize, Map<String, Integer> specialTokens) {
    if (vocabularySize != vocabularySize()) {
      throw new TokenizerMismatchException(
          String.format(
              "%s: has a vocabulary of %d tokens, the model needs %d",
              origin(), vocabularySize(), vocabularySize));
    }
    specialTokens.forEach(
        (token, wanted) -> {
          int found = requireTokenId(token);
          if (found != wanted) {
            throw new TokenizerMismatchException(
                String.format(
                    "%s: token %s has id %d, the model needs %d",
                    origin(), ErrorText.quote(token), found, wanted));
          }
        });
  }

  @Override
  void close();
}
