package io.deem.text;

/**
 * A well-formed tokenizer belongs to another model. The message is one line: the file, what the
 * model needs and what the tokenizer has.
 */
public final class TokenizerMismatchException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  TokenizerMismatchException(String message) {
    super(message);
  }
}
