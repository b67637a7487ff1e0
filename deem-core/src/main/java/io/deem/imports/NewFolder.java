package io.deem.imports;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A folder that appears whole or not at all: it is filled beside its place and then moved. */
final class NewFolder {

  /** Fills a folder. */
  @FunctionalInterface
  interface Content {
    void writeTo(Path folder) throws IOException;
  }

  private NewFolder() {}

  static void write(Path folder, Content content) throws IOException {
    if (Files.exists(folder) && !isEmptyFolder(folder)) {
      throw new ImportException(folder + ": is already there and not an empty folder");
    }
    Path place = folder.toAbsolutePath().normalize();
    Path parent = place.getParent();
    if (parent == null || place.getFileName() == null) {
      throw new ImportException(folder + ": is not a place for a folder");
    }
    Files.createDirectories(parent);
    Path beside = parent.resolve("." + place.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      content.writeTo(beside);
      Files.deleteIfExists(place);
      Files.move(beside, place, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(beside);
    }
  }

  private static boolean isEmptyFolder(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return !inside.findAny().isPresent();
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<Path> inside;
    try (Stream<Path> files = Files.list(folder)) {
      inside = files.collect(Collectors.toList());
    }
    for (Path file : inside) {
      Files.delete(file);
    }
    Files.delete(folder);
  }
}
