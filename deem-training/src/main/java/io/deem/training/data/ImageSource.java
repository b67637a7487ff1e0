package io.deem.training.data;

import io.deem.Image;
import io.deem.ImageFormatException;
import java.io.IOException;

/** A picture that is read when it is needed. Safe for use from many threads. */
public interface ImageSource {

  /** Its name within the data set, for messages and caches; equal names mean equal pictures. */
  String name();

  /** The encoded file's size in bytes. */
  long length() throws IOException;

  /**
   * The encoded file.
   *
   * @throws IOException if it is missing, too large or cannot be read, in one line that names it
   */
  byte[] bytes() throws IOException;

  /**
   * Decodes the picture.
   *
   * @throws IOException if it is missing or no picture, in one line that names it
   */
  default Image read() throws IOException {
    byte[] encoded = bytes();
    try {
      return Image.decode(encoded);
    } catch (ImageFormatException e) {
      throw new ImageFormatException(name() + ": " + e.getMessage(), e);
    }
  }
}
