package io.deem.model;

import java.io.IOException;

/**
 * A folder is not a model. The message is one line: the file, the entry or tensor, what was found.
 */
public final class MalformedModelException extends IOException {
  private static final long serialVersionUID = 1L;

  MalformedModelException(String message) {
    super(message);
  }

  MalformedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
