package io.deem.mini;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.deem.mini.Concept.Appearance;
import io.deem.mini.Concept.GrammaticalNumber;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToIntFunction;

/** The concepts of a corpus, in the order of {@code concepts.jsonl}. */
public final class Concepts {

  /** Categories in the order in which {@link #plainest} likes them; it takes others last. */
  private static final List<Set<String>> PREFERRED_CATEGORIES =
      List.of(
          Set.of("animal", "food", "vehicle", "tool", "clothing", "plant", "music", "household"),
          Set.of("electronics", "sport", "office", "place", "sky"),
          Set.of("science", "celebration"));

  private final Map<String, Concept> byId;

  private Concepts(Map<String, Concept> byId) {
    this.byId = byId;
  }

  /**
   * Reads a {@code concepts.jsonl}: one JSON object a line.
   *
   * @throws IOException if the file cannot be read, or a line of it is not a concept; the message
   *     names the file and the line
   */
  public static Concepts read(Path file) throws IOException {
    Map<String, Concept> byId = new LinkedHashMap<>();
    List<String> lines = Files.readAllLines(file);
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      Concept concept;
      try {
        concept = parse(JsonParser.parseString(lines.get(i)).getAsJsonObject());
      } catch (JsonParseException | IllegalStateException | IllegalArgumentException e) {
        throw new IOException(file + " line " + (i + 1) + ": " + e.getMessage(), e);
      }
      if (byId.put(concept.id(), concept) != null) {
        throw new IOException(file + " line " + (i + 1) + ": second concept " + concept.id());
      }
    }
    return new Concepts(Collections.unmodifiableMap(byId));
  }

  /** Some concepts, in this order. */
  static Concepts of(List<Concept> concepts) {
    Map<String, Concept> byId = new LinkedHashMap<>();
    concepts.forEach(concept -> byId.put(concept.id(), concept));
    return new Concepts(Collections.unmodifiableMap(byId));
  }

  /** All concepts. */
  public List<Concept> all() {
    return List.copyOf(byId.values());
  }

  /** The concepts that training may show. */
  public List<Concept> seen() {
    return byId.values().stream().filter(Concept::seen).toList();
  }

  /**
   * The concept with this id.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Concept get(String id) {
    Concept concept = byId.get(id);
    if (concept == null) {
      throw new IllegalArgumentException("No concept has the id '" + id + "'");
    }
    return concept;
  }

  /**
   * Reads a list of ids, one a line; blank lines and lines that start with # are skipped.
   *
   * @throws IOException if the file cannot be read or names an unknown concept
   */
  public List<Concept> select(Path file) throws IOException {
    Set<Concept> selected = new LinkedHashSet<>();
    for (String line : Files.readAllLines(file)) {
      String id = line.strip();
      if (id.isEmpty() || id.startsWith("#")) {
        continue;
      }
      if (!byId.containsKey(id)) {
        throw new IOException(file + ": no concept has the id '" + id + "'");
      }
      selected.add(byId.get(id));
    }
    return List.copyOf(selected);
  }

  /**
   * The concepts that a small model learns most easily: seen ones with a one-word label that names
   * a thing rather than a face or a sign, from as many categories and subcategories as possible,
   * none of them similar to another.
   *
   * @param count how many; fewer are returned where the corpus has no more
   * @param labelCost how hard a label is, such as its number of tokens; low comes first
   */
  public List<Concept> plainest(int count, ToIntFunction<String> labelCost) {
    List<Concept> chosen = new ArrayList<>();
    for (Set<String> categories : PREFERRED_CATEGORIES) {
      Map<String, List<Concept>> groups = new TreeMap<>();
      for (Concept concept : byId.values()) {
        if (concept.seen()
            && categories.contains(concept.category())
            && concept.label().indexOf(' ') < 0
            && concept.number() != GrammaticalNumber.UNIQUE
            && concept.appearances().keySet().containsAll(List.of(EmojiStyle.values()))) {
          groups.computeIfAbsent(concept.category(), category -> new ArrayList<>()).add(concept);
        }
      }
      groups.replaceAll((category, members) -> mixSubcategories(members, labelCost));
      takeInTurn(groups, chosen, count);
    }
    return List.copyOf(chosen);
  }

  /** {@link #plainest(int, ToIntFunction)} with the label's length as its cost. */
  public List<Concept> plainest(int count) {
    return plainest(count, String::length);
  }

  /** Orders the members so that subcategories alternate, the cheapest label of each first. */
  private static List<Concept> mixSubcategories(
      List<Concept> members, ToIntFunction<String> labelCost) {
    Map<String, Integer> taken = new HashMap<>();
    record Ranked(int turn, int cost, Concept concept) {}
    return members.stream()
        .sorted(
            Comparator.comparingInt((Concept c) -> labelCost.applyAsInt(c.label()))
                .thenComparingInt(c -> c.label().length())
                .thenComparing(Concept::id))
        .map(
            c ->
                new Ranked(
                    taken.merge(c.subcategory(), 1, Integer::sum),
                    labelCost.applyAsInt(c.label()),
                    c))
        .sorted(Comparator.comparingInt(Ranked::turn).thenComparingInt(Ranked::cost))
        .map(Ranked::concept)
        .toList();
  }

  private static void takeInTurn(
      Map<String, List<Concept>> groups, List<Concept> chosen, int count) {
    int longest = groups.values().stream().mapToInt(List::size).max().orElse(0);
    for (int turn = 0; turn < longest; turn++) {
      for (List<Concept> group : groups.values()) {
        if (turn < group.size() && chosen.size() < count) {
          Concept candidate = group.get(turn);
          if (chosen.stream().noneMatch(candidate::confusableWith)) {
            chosen.add(candidate);
          }
        }
      }
    }
  }

  private static Concept parse(JsonObject json) {
    Map<EmojiStyle, Appearance> appearances = new HashMap<>();
    for (Map.Entry<String, JsonElement> style :
        field(json, "styles").getAsJsonObject().entrySet()) {
      appearances.put(
          EmojiStyle.named(style.getKey()), parseAppearance(style.getValue().getAsJsonObject()));
    }
    JsonElement plural = field(json, "plural");
    return new Concept(
        field(json, "id").getAsString(),
        field(json, "label").getAsString(),
        field(json, "article").getAsString(),
        GrammaticalNumber.valueOf(field(json, "number").getAsString().toUpperCase(Locale.ROOT)),
        plural.isJsonNull() ? Optional.empty() : Optional.of(plural.getAsString()),
        field(json, "category").getAsString(),
        field(json, "subcategory").getAsString(),
        new HashSet<>(strings(field(json, "similar"))),
        isSeen(field(json, "split").getAsString()),
        appearances);
  }

  private static Appearance parseAppearance(JsonObject json) {
    Map<String, Double> shares = new HashMap<>();
    for (Map.Entry<String, JsonElement> share :
        field(json, "color_share").getAsJsonObject().entrySet()) {
      shares.put(share.getKey(), share.getValue().getAsDouble());
    }
    return new Appearance(
        strings(field(json, "colors")),
        shares,
        field(json, "asym").getAsDouble(),
        field(json, "mask_asym").getAsDouble());
  }

  /** Those of these ids that there are, in the order of the ids. */
  public List<Concept> present(List<String> ids) {
    return ids.stream().filter(byId::containsKey).map(byId::get).toList();
  }

  private static boolean isSeen(String split) {
    return switch (split) {
      case "seen" -> true;
      case "unseen" -> false;
      default -> throw new IllegalArgumentException("split is '" + split + "'");
    };
  }

  private static JsonElement field(JsonObject json, String name) {
    JsonElement value = json.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no field '" + name + "'");
    }
    return value;
  }

  private static List<String> strings(JsonElement array) {
    List<String> strings = new ArrayList<>();
    for (JsonElement element : array.getAsJsonArray()) {
      strings.add(element.getAsString());
    }
    return List.copyOf(strings);
  }
}
