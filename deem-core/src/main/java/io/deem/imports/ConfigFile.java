package io.deem.imports;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.deem.json.ErrorText;
import io.deem.portable.TextFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A {@code config.json} of another library. Entries that are not asked for are of no concern: such
 * files hold dozens.
 */
final class ConfigFile {

  private static final long LARGEST = 1L << 20;
  private static final int LARGEST_SIZE = 1 << 20;

  private final Path file;
  private final JsonObject json;

  private ConfigFile(Path file, JsonObject json) {
    this.file = file;
    this.json = json;
  }

  static ConfigFile read(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file + ": no such file");
    }
    if (Files.size(file) > LARGEST) {
      throw new ImportException(
          file + ": " + Files.size(file) + " bytes is over the limit of " + LARGEST);
    }
    try {
      JsonElement json = JsonParser.parseString(TextFile.read(file));
      if (json.isJsonObject()) {
        return new ConfigFile(file, json.getAsJsonObject());
      }
      throw new ImportException(file + ": is not a JSON object");
    } catch (CharacterCodingException e) {
      throw new ImportException(file + ": is not UTF-8", e);
    } catch (JsonParseException e) {
      throw new ImportException(file + ": is not valid JSON" + ErrorText.place(e), e);
    }
  }

  JsonObject json() {
    return json;
  }

  /** An object within, whose errors name the same file. */
  ConfigFile section(String name) throws ImportException {
    if (!required(name).isJsonObject()) {
      throw unsupported(name);
    }
    return new ConfigFile(file, json.getAsJsonObject(name));
  }

  boolean flag(String name, boolean ifAbsent) throws ImportException {
    if (!has(name)) {
      return ifAbsent;
    }
    if (!(json.get(name) instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
      throw unsupported(name);
    }
    return primitive.getAsBoolean();
  }

  Path file() {
    return file;
  }

  boolean has(String name) {
    return json.has(name) && !json.get(name).isJsonNull();
  }

  int size(String name) throws ImportException {
    return size(name, required(name));
  }

  int size(String name, int ifAbsent) throws ImportException {
    return has(name) ? size(name) : ifAbsent;
  }

  double number(String name, double ifAbsent) throws ImportException {
    if (!has(name)) {
      return ifAbsent;
    }
    JsonElement value = json.get(name);
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
      throw unsupported(name);
    }
    return value.getAsDouble();
  }

  String text(String name, String ifAbsent) throws ImportException {
    if (!has(name)) {
      return ifAbsent;
    }
    JsonElement value = json.get(name);
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isString()) {
      throw unsupported(name);
    }
    return value.getAsString();
  }

  List<Integer> sizes(String name) throws ImportException {
    if (!required(name).isJsonArray()) {
      throw unsupported(name);
    }
    List<Integer> sizes = new ArrayList<>();
    for (JsonElement each : json.getAsJsonArray(name)) {
      sizes.add(size(name, each));
    }
    return sizes;
  }

  List<String> texts(String name) throws ImportException {
    if (!required(name).isJsonArray()) {
      throw unsupported(name);
    }
    List<String> texts = new ArrayList<>();
    for (JsonElement each : json.getAsJsonArray(name)) {
      if (!(each instanceof JsonPrimitive primitive) || !primitive.isString()) {
        throw unsupported(name);
      }
      texts.add(each.getAsString());
    }
    return texts;
  }

  boolean isArray(String name) {
    return has(name) && json.get(name).isJsonArray();
  }

  /** Refuses a value that would be computed silently wrong; without the entry all is well. */
  void require(String name, Object value) throws ImportException {
    if (has(name) && !(json.get(name) instanceof JsonPrimitive found && same(found, value))) {
      throw unsupported(name);
    }
  }

  ImportException unsupported(String name) {
    return new ImportException(
        file
            + ": "
            + name
            + " "
            + ErrorText.quote(json.get(name).toString())
            + " is not supported");
  }

  private static boolean same(JsonPrimitive found, Object value) {
    return value instanceof Number number
        ? found.isNumber() && found.getAsDouble() == number.doubleValue()
        : found.getAsString().equals(value.toString());
  }

  private JsonElement required(String name) throws ImportException {
    if (!has(name)) {
      throw new ImportException(file + ": has no " + name);
    }
    return json.get(name);
  }

  private int size(String name, JsonElement value) throws ImportException {
    double number =
        value instanceof JsonPrimitive primitive && primitive.isNumber() ? value.getAsDouble() : 0;
    if (number < 1 || number > LARGEST_SIZE || number != Math.rint(number)) {
      throw unsupported(name);
    }
    return (int) number;
  }
}
