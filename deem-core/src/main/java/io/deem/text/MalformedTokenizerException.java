package io.deem.text;

import java.io.IOException;

/** A tokenizer file breaks its format. The message is one line: the file and what was found. */
public final class MalformedTokenizerException extends IOException {
  private static final long serialVersionUID = 1L;

  MalformedTokenizerException(String message) {
    super(message);
  }

  MalformedTokenizerException(String message, Throwable cause) {
    super(message, cause);
  }
}
