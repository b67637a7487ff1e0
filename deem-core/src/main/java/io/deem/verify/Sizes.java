package io.deem.verify;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * The sizes and options of a fixture's network, with errors that name what is missing.
 *
 * @param config the entries
 * @param path where they lie in {@code config.json}: empty, or the names of the sections around
 *     them, each with a dot behind it
 */
public record Sizes(JsonObject config, String path) {

  /** Characters of a wrong entry in an error. */
  private static final int LONGEST = 80;

  /** All of {@code config.json}. */
  public Sizes(JsonObject config) {
    this(config, "");
  }

  /** Whether there is an entry. */
  public boolean has(String name) {
    return config.has(name);
  }

  /** The names of all entries, in order. */
  public Set<String> names() {
    return config.keySet();
  }

  /** A whole number. */
  public int integer(String name) {
    return read(name, JsonElement::getAsInt, "a whole number");
  }

  /** A whole number, or another where there is no entry. */
  public int integer(String name, int otherwise) {
    return has(name) ? integer(name) : otherwise;
  }

  /** A number. */
  public double number(String name) {
    return read(name, JsonElement::getAsDouble, "a number");
  }

  /** A number, or another where there is no entry. */
  public double number(String name, double otherwise) {
    return has(name) ? number(name) : otherwise;
  }

  /** True or false. */
  public boolean flag(String name) {
    return read(name, JsonElement::getAsBoolean, "true or false");
  }

  /** True or false, or the given one where there is no entry. */
  public boolean flag(String name, boolean otherwise) {
    return has(name) ? flag(name) : otherwise;
  }

  /** A text. */
  public String text(String name) {
    return read(name, JsonElement::getAsString, "a text");
  }

  /** The sizes of a part. */
  public Sizes section(String name) {
    return read(
        name, element -> new Sizes(element.getAsJsonObject(), path + name + "."), "an object");
  }

  /** The sizes of several parts. */
  public List<Sizes> sections(String name) {
    return list(
        name,
        element -> new Sizes(element.getAsJsonObject(), path + name + "."),
        "a list of objects");
  }

  /** A list of whole numbers. */
  public List<Integer> integers(String name) {
    return list(name, JsonElement::getAsInt, "a list of whole numbers");
  }

  /** A list of numbers. */
  public List<Double> numbers(String name) {
    return list(name, JsonElement::getAsDouble, "a list of numbers");
  }

  /** A list of texts. */
  public List<String> texts(String name) {
    return list(name, JsonElement::getAsString, "a list of texts");
  }

  private <T> List<T> list(String name, Function<JsonElement, T> reader, String expected) {
    return read(
        name,
        element -> {
          List<T> values = new ArrayList<>();
          element.getAsJsonArray().forEach(value -> values.add(reader.apply(value)));
          return values;
        },
        expected);
  }

  private <T> T read(String name, Function<JsonElement, T> reader, String expected) {
    JsonElement element = config.get(name);
    if (element == null) {
      throw new IllegalArgumentException("config.json: has no " + path + name);
    }
    try {
      return reader.apply(element);
    } catch (IllegalStateException | UnsupportedOperationException | NumberFormatException e) {
      throw new IllegalArgumentException(
          "config.json: " + path + name + " is not " + expected + " but " + shortened(element), e);
    }
  }

  private static String shortened(JsonElement element) {
    String text = element.toString();
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "...";
  }
}
