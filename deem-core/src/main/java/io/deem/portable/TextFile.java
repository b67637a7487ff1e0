package io.deem.portable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Texts in UTF-8. */
public final class TextFile {

  private static final int CHUNK = 1 << 13;

  private TextFile() {}

  /**
   * The text of a file.
   *
   * @throws CharacterCodingException if it is not UTF-8
   */
  public static String read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
  }

  /** All that is left in a stream. */
  public static String read(InputStream stream) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] chunk = new byte[CHUNK];
    for (int count = stream.read(chunk); count >= 0; count = stream.read(chunk)) {
      all.write(chunk, 0, count);
    }
    return new String(all.toByteArray(), StandardCharsets.UTF_8);
  }
}
