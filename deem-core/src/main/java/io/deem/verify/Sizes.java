package io.deem.verify;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The sizes and options of a fixture's network, with errors that name what is missing. */
public record Sizes(JsonObject config) {

  /** A whole number. */
  public int integer(String name) {
    return read(name, JsonElement::getAsInt, "a whole number");
  }

  /** A number. */
  public double number(String name) {
    return read(name, JsonElement::getAsDouble, "a number");
  }

  /** True or false. */
  public boolean flag(String name) {
    return read(name, JsonElement::getAsBoolean, "true or false");
  }

  /** A text. */
  public String text(String name) {
    return read(name, JsonElement::getAsString, "a text");
  }

  /** The sizes of a part. */
  public Sizes section(String name) {
    return read(name, element -> new Sizes(element.getAsJsonObject()), "an object");
  }

  /** A list of whole numbers. */
  public List<Integer> integers(String name) {
    return read(
        name,
        element -> {
          List<Integer> values = new ArrayList<>();
          element.getAsJsonArray().forEach(value -> values.add(value.getAsInt()));
          return values;
        },
        "a list of whole numbers");
  }

  private <T> T read(String name, Function<JsonElement, T> reader, String expected) {
    JsonElement element = config.get(name);
    if (element == null) {
      throw new IllegalArgumentException("config.json: has no " + name);
    }
    try {
      return reader.apply(element);
    } catch (IllegalStateException | UnsupportedOperationException | NumberFormatException e) {
      throw new IllegalArgumentException(
          "config.json: " + name + " is not " + expected + " but " + element, e);
    }
  }
}
