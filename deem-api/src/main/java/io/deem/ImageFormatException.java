package io.deem;

import java.io.IOException;

/**
 * Something that should be an image is not one, is cut short, or is larger than allowed. The
 * message is one line: the file where there is one, and what was found.
 */
public final class ImageFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Makes the error for what was found. */
  public ImageFormatException(String message) {
    super(message);
  }

  /** Makes the error for what was found, with the decoder's own failure. */
  public ImageFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
