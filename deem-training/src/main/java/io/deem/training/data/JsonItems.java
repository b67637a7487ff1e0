package io.deem.training.data;

import com.google.gson.JsonElement;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import io.deem.json.ErrorText;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/** Walks through large JSON files item by item, without ever holding the whole. */
final class JsonItems {

  /** Takes an item. */
  @FunctionalInterface
  interface Taker {
    /**
     * Takes an item.
     *
     * @param key its name where the items are entries of an object, else empty
     */
    void take(String key, JsonElement item) throws IOException;
  }

  private JsonItems() {}

  /**
   * Walks through a file whose top is an object.
   *
   * @param takers for each entry of interest: its elements if it is a list, else itself
   */
  static void ofObject(Path file, Map<String, Taker> takers) throws IOException {
    read(
        file,
        reader -> {
          reader.beginObject();
          while (reader.hasNext()) {
            String name = reader.nextName();
            Taker taker = takers.get(name);
            if (taker == null) {
              reader.skipValue();
            } else if (reader.peek() == JsonToken.BEGIN_ARRAY) {
              elements(reader, taker);
            } else {
              taker.take(name, JsonFields.next(reader));
            }
          }
          reader.endObject();
        });
  }

  /** Walks through a file whose top is a list, or an object each of whose entries is an item. */
  static void ofAll(Path file, Taker taker) throws IOException {
    read(
        file,
        reader -> {
          if (reader.peek() == JsonToken.BEGIN_ARRAY) {
            elements(reader, taker);
            return;
          }
          reader.beginObject();
          while (reader.hasNext()) {
            taker.take(reader.nextName(), JsonFields.next(reader));
          }
          reader.endObject();
        });
  }

  private static void elements(JsonReader reader, Taker taker) throws IOException {
    reader.beginArray();
    while (reader.hasNext()) {
      taker.take("", JsonFields.next(reader));
    }
    reader.endArray();
  }

  @FunctionalInterface
  private interface Walk {
    void walk(JsonReader reader) throws IOException;
  }

  private static void read(Path file, Walk walk) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    try (BufferedReader text = Files.newBufferedReader(file);
        JsonReader reader = JsonFields.reader(text)) {
      walk.walk(reader);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": is not UTF-8 text", e);
    } catch (MalformedJsonException | IllegalStateException e) {
      throw new IOException(file + ": is not the JSON that it should be" + ErrorText.place(e), e);
    } catch (EOFException e) {
      throw new IOException(file + ": is cut off", e);
    } catch (IOException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }
}
