package io.deem.training;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.util.Comparator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Everything that decides how a run ends, as named texts: its recipe, data, seed, starting weights
 * and arithmetic. A checkpoint goes on only in a run of the same identity.
 *
 * @param facts by name, for example {@code recipe.steps}; sorted
 */
public record RunIdentity(Map<String, String> facts) {

  private static final int LONGEST_SHOWN = 60;

  public RunIdentity {
    facts = java.util.Collections.unmodifiableMap(new TreeMap<>(facts));
  }

  /** An identity that is one text. */
  public static RunIdentity of(String recipe) {
    return new RunIdentity(Map.of("recipe", recipe));
  }

  /** This identity with each leaf of a JSON value as a fact, named by its path. */
  public RunIdentity with(String name, JsonElement json) {
    Map<String, String> more = new TreeMap<>(facts);
    flatten(name, json, more);
    return new RunIdentity(more);
  }

  /** This identity with one more fact. */
  public RunIdentity with(String name, String value) {
    return with(name, new JsonPrimitive(value));
  }

  /**
   * Refuses to go on with what another run has left.
   *
   * @param place of what was left, for the message
   * @param found the other run's identity
   * @throws IOException in one line that names the first fact that differs and both values
   */
  public void require(Object place, RunIdentity found) throws IOException {
    // What is most telling comes first: another stage has other recipe entries as well.
    Set<String> all =
        new TreeSet<>(
            Comparator.comparing((String name) -> name.startsWith("recipe."))
                .thenComparing(Comparator.naturalOrder()));
    all.addAll(found.facts.keySet());
    all.addAll(facts.keySet());
    for (String name : all) {
      String there = found.facts.getOrDefault(name, "nothing");
      String here = facts.getOrDefault(name, "nothing");
      if (!there.equals(here)) {
        throw new IOException(
            place + " was made by another " + name + ": " + shown(there) + ", now " + shown(here));
      }
    }
  }

  /** The facts as a JSON object. */
  public JsonObject json() {
    JsonObject object = new JsonObject();
    facts.forEach(object::addProperty);
    return object;
  }

  /**
   * Reads what {@link #json} gives.
   *
   * @throws IllegalArgumentException if it is no such object
   */
  public static RunIdentity read(JsonElement json) {
    if (json == null || !json.isJsonObject()) {
      throw new IllegalArgumentException("has no identity");
    }
    Map<String, String> facts = new TreeMap<>();
    json.getAsJsonObject()
        .entrySet()
        .forEach(entry -> facts.put(entry.getKey(), entry.getValue().getAsString()));
    return new RunIdentity(facts);
  }

  private static void flatten(String name, JsonElement json, Map<String, String> into) {
    if (json.isJsonObject()) {
      json.getAsJsonObject()
          .entrySet()
          .forEach(entry -> flatten(name + "." + entry.getKey(), entry.getValue(), into));
    } else if (json.isJsonArray()) {
      JsonArray array = json.getAsJsonArray();
      for (int i = 0; i < array.size(); i++) {
        flatten(name + "[" + i + "]", array.get(i), into);
      }
    } else {
      into.put(name, json.isJsonNull() ? "null" : json.getAsString());
    }
  }

  private static String shown(String value) {
    String line = value.replaceAll("\\p{Cntrl}", " ");
    return line.length() <= LONGEST_SHOWN ? line : line.substring(0, LONGEST_SHOWN) + "...";
  }
}
