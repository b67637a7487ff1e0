package io.deem.weights;

import java.io.IOException;

/**
 * A weights file (or the index of a set of shards) breaks its format. The message is one line: the
 * file, the tensor where there is one, and what was found.
 */
public final class MalformedWeightsException extends IOException {
  private static final long serialVersionUID = 1L;

  /** With what was found, in one line. */
  public MalformedWeightsException(String message) {
    super(message);
  }

  MalformedWeightsException(String message, Throwable cause) {
    super(message, cause);
  }
}
