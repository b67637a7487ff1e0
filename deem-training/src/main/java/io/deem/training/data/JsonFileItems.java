package io.deem.training.data;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The entries of published benchmark files, read as carefully as data sets are. */
public final class JsonFileItems {

  private JsonFileItems() {}

  /** An object of a file. */
  public static final class Entry {
    private final Path file;
    private final String place;
    private final JsonFields fields;
    private final PictureFolder pictures;

    private Entry(Path file, String place, JsonFields fields, PictureFolder pictures) {
      this.file = file;
      this.place = place;
      this.fields = fields;
      this.pictures = pictures;
    }

    @FunctionalInterface
    private interface Reading<T> {
      T read() throws IOException;
    }

    private <T> T read(Reading<T> reading) throws IOException {
      try {
        return reading.read();
      } catch (IOException e) {
        throw new IOException(file + " " + place + ": " + e.getMessage(), e);
      }
    }

    /** The text of an entry. */
    public String text(String name) throws IOException {
      return read(() -> fields.text(name));
    }

    /** A text or a whole number, as text. */
    public String id(String name) throws IOException {
      return read(() -> fields.id(name));
    }

    /** A whole number from 0 to {@code bound} - 1. */
    public int index(String name, int bound) throws IOException {
      return read(() -> checked(name, fields.whole(name), bound));
    }

    /** A list of whole numbers from 0 to {@code bound} - 1. */
    public List<Integer> indices(String name, int bound) throws IOException {
      return read(
          () -> {
            List<Integer> indices = new ArrayList<>();
            for (double number : fields.numbers(name)) {
              indices.add(checked(name, (long) number, bound));
            }
            return indices;
          });
    }

    private static int checked(String name, long index, int bound) throws IOException {
      if (index < 0 || index >= bound) {
        throw new IOException("entry \"" + name + "\" is " + index + ", not below " + bound);
      }
      return (int) index;
    }

    /** A list of numbers. */
    public List<Double> numbers(String name) throws IOException {
      return read(
          () -> {
            List<Double> numbers = new ArrayList<>();
            for (double number : fields.numbers(name)) {
              numbers.add(number);
            }
            return numbers;
          });
    }

    /** A list of texts. */
    public List<String> texts(String name) throws IOException {
      return read(() -> fields.texts(name));
    }

    /** An object within. */
    public Entry object(String name) throws IOException {
      return read(() -> new Entry(file, place, fields.object(name), pictures));
    }

    /** A list of objects within. */
    public List<Entry> objects(String name) throws IOException {
      return read(
          () -> {
            List<Entry> entries = new ArrayList<>();
            for (JsonFields each : fields.objects(name)) {
              entries.add(new Entry(file, place, each, pictures));
            }
            return entries;
          });
    }

    /** A picture of the folder; its name cannot leave it. */
    public ImageSource picture(String name) throws IOException {
      return read(() -> pictures.picture(name));
    }
  }

  /** The objects of a file with one a line. */
  public static List<Entry> lines(Path file, Path imageFolder) throws IOException {
    PictureFolder pictures = new PictureFolder(imageFolder);
    List<Entry> entries = new ArrayList<>();
    JsonLines lines = JsonLines.open(file);
    for (int i = 0; i < lines.size(); i++) {
      String place = "item " + (i + 1);
      try {
        entries.add(new Entry(file, place, lines.line(i), pictures));
      } catch (IOException e) {
        throw new IOException(file + " " + place + ": " + e.getMessage(), e);
      }
    }
    return entries;
  }

  /** The objects of a file that is a list. */
  public static List<Entry> list(Path file, Path imageFolder) throws IOException {
    PictureFolder pictures = new PictureFolder(imageFolder);
    List<Entry> entries = new ArrayList<>();
    JsonItems.ofAll(
        file,
        (key, item) ->
            entries.add(
                new Entry(file, "item " + (entries.size() + 1), JsonFields.of(item), pictures)));
    return entries;
  }

  /** The one object of a file. */
  public static Entry object(Path file, Path imageFolder) throws IOException {
    JsonObject whole = new JsonObject();
    JsonItems.ofAll(file, whole::add);
    return new Entry(file, "", new JsonFields(whole), new PictureFolder(imageFolder));
  }

  /** A picture of a folder; its name cannot leave it. */
  public static ImageSource picture(Path imageFolder, String name) throws IOException {
    return new PictureFolder(imageFolder).picture(name);
  }
}
