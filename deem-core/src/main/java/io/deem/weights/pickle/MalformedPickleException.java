package io.deem.weights.pickle;

import java.io.IOException;

/**
 * A file is not a set of tensors as PyTorch writes it, or asks for more than that. The message is
 * one line: the file and what was found.
 */
public final class MalformedPickleException extends IOException {
  private static final long serialVersionUID = 1L;

  MalformedPickleException(String message) {
    super(message);
  }

  MalformedPickleException(String message, Throwable cause) {
    super(message, cause);
  }
}
