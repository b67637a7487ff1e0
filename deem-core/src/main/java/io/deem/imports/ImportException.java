package io.deem.imports;

import java.io.IOException;

/**
 * Checkpoints cannot be made into a model. The message is one line naming the file or folder and
 * what was found there.
 */
public final class ImportException extends IOException {
  private static final long serialVersionUID = 1L;

  ImportException(String message) {
    super(message);
  }

  ImportException(String message, Throwable cause) {
    super(message, cause);
  }
}
