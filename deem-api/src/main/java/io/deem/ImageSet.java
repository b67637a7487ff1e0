package io.deem;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Images that are read when they are needed. Implementations are safe for use from many threads.
 */
public interface ImageSet {

  /** How many there are. */
  int size();

  /**
   * What to call an image in messages.
   *
   * @param index from 0
   */
  String name(int index);

  /**
   * Reads an image.
   *
   * @param index from 0
   * @throws IOException if it cannot be read, in one line that names it
   */
  Image image(int index) throws IOException;

  /** Images in memory. */
  static ImageSet of(List<Image> images) {
    List<Image> copy = List.copyOf(images);
    return new ImageSet() {
      @Override
      public int size() {
        return copy.size();
      }

      @Override
      public String name(int index) {
        return "image " + index;
      }

      @Override
      public Image image(int index) {
        return copy.get(index);
      }
    };
  }

  /**
   * The JPEG, PNG, WebP, GIF and BMP files of a folder and of the folders in it, in the order of
   * their paths. Links are not followed.
   *
   * @throws NoSuchFileException if there is no such folder
   * @throws IOException if it cannot be listed
   */
  static ImageSet in(Path folder) throws IOException {
    Objects.requireNonNull(folder, "folder");
    if (!Files.isDirectory(folder)) {
      throw new NoSuchFileException(folder + ": there is no such folder of images");
    }
    Set<String> endings = Set.of("jpg", "jpeg", "png", "webp", "gif", "bmp");
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files =
          all.filter(Files::isRegularFile)
              .filter(
                  file -> {
                    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
                    int dot = name.lastIndexOf('.');
                    return dot >= 0 && endings.contains(name.substring(dot + 1));
                  })
              .sorted()
              .collect(Collectors.toList());
    }
    return new ImageSet() {
      @Override
      public int size() {
        return files.size();
      }

      @Override
      public String name(int index) {
        return files.get(index).toString();
      }

      @Override
      public Image image(int index) throws IOException {
        return Image.read(files.get(index));
      }
    };
  }
}
