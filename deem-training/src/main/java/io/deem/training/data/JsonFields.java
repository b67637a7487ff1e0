package io.deem.training.data;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.stream.JsonReader;
import io.deem.json.ErrorText;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The entries of a JSON object of a data set, each of the type that it has to have. */
record JsonFields(JsonObject json) {

  /** What is nested more deeply is no annotation of any layout that is read here. */
  private static final int DEEPEST = 64;

  /** A reader that refuses deep nesting. */
  static JsonReader reader(Reader text) {
    JsonReader reader = new JsonReader(text);
    reader.setNestingLimit(DEEPEST);
    return reader;
  }

  /** Reads the next value of a reader made by {@link #reader}. */
  static JsonElement next(JsonReader reader) throws IOException {
    try {
      return JsonParser.parseReader(reader);
    } catch (JsonParseException | StackOverflowError e) {
      boolean deep = String.valueOf(e.getMessage()).contains("esting limit");
      throw new IOException(
          deep
              ? "JSON is nested more than " + DEEPEST + " deep"
              : "not valid JSON" + (e instanceof Exception known ? ErrorText.place(known) : ""),
          e);
    }
  }

  /** The object that a text is. */
  static JsonFields parse(String text) throws IOException {
    return of(next(reader(new StringReader(text))));
  }

  static JsonFields of(JsonElement element) throws IOException {
    if (!element.isJsonObject()) {
      throw new IOException("not a JSON object: " + ErrorText.quote(element.toString()));
    }
    return new JsonFields(element.getAsJsonObject());
  }

  boolean has(String name) {
    return json.has(name) && !json.get(name).isJsonNull();
  }

  String text(String name) throws IOException {
    JsonPrimitive value = primitive(name);
    if (!value.isString()) {
      throw wrong(name, "a text");
    }
    return value.getAsString();
  }

  Optional<String> optionalText(String name) throws IOException {
    return has(name) ? Optional.of(text(name)) : Optional.empty();
  }

  /** A text or a number, as text: ids are the one in some layouts and the other in others. */
  String id(String name) throws IOException {
    JsonPrimitive value = primitive(name);
    return value.isNumber() && value.getAsDouble() == Math.rint(value.getAsDouble())
        ? Long.toString((long) value.getAsDouble())
        : value.getAsString();
  }

  double number(String name) throws IOException {
    JsonPrimitive value = primitive(name);
    try {
      double number = value.getAsDouble();
      if (value.isNumber() && Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new IOException(message(name, "a number"), e);
    }
    throw wrong(name, "a number");
  }

  long whole(String name) throws IOException {
    double number = number(name);
    if (number != Math.rint(number) || Math.abs(number) > 1L << 53) {
      throw wrong(name, "a whole number");
    }
    return (long) number;
  }

  JsonArray list(String name) throws IOException {
    JsonElement value = json.get(name);
    if (value == null || !value.isJsonArray()) {
      throw wrong(name, "a list");
    }
    return value.getAsJsonArray();
  }

  List<String> texts(String name) throws IOException {
    List<String> texts = new ArrayList<>();
    for (JsonElement each : list(name)) {
      if (!each.isJsonPrimitive() || !each.getAsJsonPrimitive().isString()) {
        throw wrong(name, "a list of texts");
      }
      texts.add(each.getAsString());
    }
    return texts;
  }

  double[] numbers(String name) throws IOException {
    return numbers(name, list(name));
  }

  static double[] numbers(String name, JsonArray list) throws IOException {
    double[] numbers = new double[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      JsonElement each = list.get(i);
      boolean number = each.isJsonPrimitive() && each.getAsJsonPrimitive().isNumber();
      if (!number || !Double.isFinite(each.getAsDouble())) {
        throw new IOException("entry " + ErrorText.quote(name) + " is not a list of numbers");
      }
      numbers[i] = each.getAsDouble();
    }
    return numbers;
  }

  List<JsonFields> objects(String name) throws IOException {
    List<JsonFields> objects = new ArrayList<>();
    for (JsonElement each : list(name)) {
      objects.add(of(each));
    }
    return objects;
  }

  JsonFields object(String name) throws IOException {
    JsonElement value = json.get(name);
    if (value == null || !value.isJsonObject()) {
      throw wrong(name, "an object");
    }
    return new JsonFields(value.getAsJsonObject());
  }

  private JsonPrimitive primitive(String name) throws IOException {
    JsonElement value = json.get(name);
    if (value == null || value.isJsonNull()) {
      throw new IOException("has no entry " + ErrorText.quote(name));
    }
    if (!value.isJsonPrimitive()) {
      throw wrong(name, "a text or a number");
    }
    return value.getAsJsonPrimitive();
  }

  private IOException wrong(String name, String wanted) {
    return new IOException(message(name, wanted));
  }

  private String message(String name, String wanted) {
    return "entry "
        + ErrorText.quote(name)
        + " is not "
        + wanted
        + ": "
        + ErrorText.quote(String.valueOf(json.get(name)));
  }
}
