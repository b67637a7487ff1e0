package io.deem.training.data;

import io.deem.json.ErrorText;
import io.deem.spi.ImageCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The folder that the picture names of an annotation file are relative to. */
final class PictureFolder {

  private static final long LARGEST = ImageCodec.Limits.DEFAULT.maxBytes();

  private final Path root;

  PictureFolder(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  /**
   * A picture of the folder.
   *
   * @param name as an annotation has it, with slashes between folders
   * @throws IOException if the name leads out of the folder
   */
  ImageSource picture(String name) throws IOException {
    return new PictureFile(name, resolve(name));
  }

  /** Whether there is a file of that name. */
  boolean has(String name) throws IOException {
    return Files.isRegularFile(resolve(name));
  }

  /** The path of a name that stays inside of the folder. */
  Path resolve(String name) throws IOException {
    try {
      Path path = root.resolve(name).normalize();
      boolean inside =
          !name.isEmpty()
              && !Path.of(name).isAbsolute()
              && path.startsWith(root)
              && !path.equals(root);
      if (inside) {
        return path;
      }
    } catch (InvalidPathException e) {
      throw new IOException(ErrorText.quote(name) + " is no file name", e);
    }
    throw new IOException(ErrorText.quote(name) + " leads out of the folder of the data set");
  }

  private record PictureFile(String name, Path path) implements ImageSource {

    @Override
    public long length() throws IOException {
      if (!Files.isRegularFile(path)) {
        throw new NoSuchFileException(path + ": no such file");
      }
      return Files.size(path);
    }

    @Override
    public byte[] bytes() throws IOException {
      long length = length();
      if (length > LARGEST) {
        throw new IOException(path + ": has " + length + " bytes, more than " + LARGEST);
      }
      return Files.readAllBytes(path);
    }
  }
}
