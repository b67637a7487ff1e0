package io.deem.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.deem.json.ErrorText;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/** A tokenizer.json run by the native library that DJL packages. */
final class NativeTokenizer implements Tokenizer {
  /** Without these the library cuts every text at 512 tokens. */
  private static final Map<String, String> OPTIONS =
      Map.of("truncation", "do_not_truncate", "padding", "do_not_pad", "addSpecialTokens", "false");

  static {
    // Text needs no GPU build of the library, and opening a tokenizer is no reason to call out.
    setUnlessChosen("RUST_FLAVOR", "cpu");
    setUnlessChosen("OPT_OUT_TRACKING", "true");
  }

  private final TokenizerFile file;
  private final HuggingFaceTokenizer tokenizer;
  private final long begin;
  // Closing frees native memory, so it must wait for conversions under way.
  private final ReadWriteLock closing = new ReentrantReadWriteLock();
  private boolean closed;

  NativeTokenizer(TokenizerFile file) throws IOException {
    this.file = file;
    this.begin = requireTokenId(SpecialTokens.BEGIN);
    byte[] json = file.json().getBytes(StandardCharsets.UTF_8);
    try {
      tokenizer = HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
    } catch (RuntimeException e) {
      throw new MalformedTokenizerException(
          file.origin()
              + ": cannot be used as a tokenizer: "
              + ErrorText.quote(String.valueOf(e.getMessage())),
          e);
    }
  }

  private static void setUnlessChosen(String name, String value) {
    if (System.getenv(name) == null && System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }

  @Override
  public long[] encode(String text) {
    long[] plain = encodeWithoutBegin(text);
    long[] ids = new long[plain.length + 1];
    ids[0] = begin;
    System.arraycopy(plain, 0, ids, 1, plain.length);
    return ids;
  }

  @Override
  public long[] encodeWithoutBegin(String text) {
    String wellFormed = UnicodeText.withoutLoneSurrogates(text);
    return whileOpen(() -> tokenizer.encode(wellFormed, false, false).getIds());
  }

  @Override
  public String decode(long[] ids, boolean keepSpecialTokens) {
    for (long id : ids) {
      if (id < 0 || id >= file.vocabularySize()) {
        throw new IllegalArgumentException(
            "token id " + id + " is outside the vocabulary of " + file.vocabularySize());
      }
    }
    return whileOpen(() -> tokenizer.decode(ids, !keepSpecialTokens));
  }

  @Override
  public OptionalInt tokenId(String token) {
    return file.tokenId(token);
  }

  @Override
  public int vocabularySize() {
    return file.vocabularySize();
  }

  @Override
  public String origin() {
    return file.origin();
  }

  @Override
  public void close() {
    Lock lock = closing.writeLock();
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        tokenizer.close();
      }
    } finally {
      lock.unlock();
    }
  }

  private <T> T whileOpen(Supplier<T> conversion) {
    Lock lock = closing.readLock();
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException(origin() + ": already closed");
      }
      return conversion.get();
    } finally {
      lock.unlock();
    }
  }
}
