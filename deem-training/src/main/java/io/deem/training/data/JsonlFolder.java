package io.deem.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A file of one item a line, in a folder with the pictures that it names. */
final class JsonlFolder implements DataSet {

  /** Makes a sample of an item. */
  @FunctionalInterface
  interface Reader {
    Sample read(String id, JsonFields fields, PictureFolder pictures) throws IOException;
  }

  private final String name;
  private final JsonLines lines;
  private final PictureFolder pictures;
  private final Reader reader;

  private JsonlFolder(String name, JsonLines lines, PictureFolder pictures, Reader reader) {
    this.name = name;
    this.lines = lines;
    this.pictures = pictures;
    this.reader = reader;
  }

  static JsonlFolder open(String name, Path file, Path pictures, Reader reader) throws IOException {
    JsonLines lines = JsonLines.open(file);
    if (lines.size() == 0) {
      throw new IOException(file + ": has no samples");
    }
    return new JsonlFolder(name, lines, new PictureFolder(pictures), reader);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    return lines.size();
  }

  @Override
  public Sample sample(long index) throws IOException {
    String place = "item " + (index + 1);
    try {
      JsonFields fields = lines.line(Math.toIntExact(index));
      return reader.read(PlainItem.id(fields, place), fields, pictures);
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException(lines.file() + " " + place + ": " + e.getMessage(), e);
    }
  }

  @Override
  public List<Path> annotations() {
    return List.of(lines.file());
  }
}
