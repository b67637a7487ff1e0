package io.deem.mini;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.deem.mini.Concept.Appearance;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A style's tar file with what it says about its pictures. */
final class StyleTar {

  private static final String ENDING = ".tar";

  private final Path file;
  private final TarPictures pictures;

  StyleTar(Path file, TarPictures pictures) {
    this.file = file;
    this.pictures = pictures;
  }

  /** The style, after the file's name. */
  EmojiStyle style() {
    String name = String.valueOf(file.getFileName());
    return EmojiStyle.named(
        name.endsWith(ENDING) ? name.substring(0, name.length() - ENDING.length()) : name);
  }

  /** The concepts of which there is a picture, with what the pictures look like. */
  Concepts depicted(Concepts all) throws IOException {
    List<Concept> depicted = new ArrayList<>();
    for (Concept concept : all.all()) {
      if (pictures.has(concept.id())) {
        depicted.add(depicted(concept));
      }
    }
    if (depicted.isEmpty()) {
      throw new IOException(file + ": has no picture of any concept");
    }
    return Concepts.of(depicted);
  }

  private Concept depicted(Concept concept) throws IOException {
    Map<EmojiStyle, Appearance> appearances = new HashMap<>(concept.appearances());
    String description = pictures.description(concept.id());
    if (description != null) {
      try {
        JsonObject json = JsonParser.parseString(description).getAsJsonObject();
        appearances.merge(style(), appearance(json), (old, own) -> merged(json, old, own));
      } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
        throw new IOException(file + ": " + concept.id() + ".json: " + e.getMessage(), e);
      }
    }
    return new Concept(
        concept.id(),
        concept.label(),
        concept.article(),
        concept.number(),
        concept.plural(),
        concept.category(),
        concept.subcategory(),
        concept.similar(),
        concept.seen(),
        appearances);
  }

  private static Appearance appearance(JsonObject json) {
    List<String> colors = new ArrayList<>();
    if (json.has("colors")) {
      JsonArray names = json.getAsJsonArray("colors");
      names.forEach(name -> colors.add(name.getAsString()));
    }
    Map<String, Double> shares = new HashMap<>();
    if (json.has("color_share")) {
      for (Map.Entry<String, JsonElement> share : json.getAsJsonObject("color_share").entrySet()) {
        shares.put(share.getKey(), share.getValue().getAsDouble());
      }
    }
    return new Appearance(colors, shares, number(json, "asym"), number(json, "mask_asym"));
  }

  /** The tar file's own entries, and the concepts' for those that it lacks. */
  private static Appearance merged(JsonObject json, Appearance old, Appearance own) {
    return new Appearance(
        json.has("colors") ? own.colors() : old.colors(),
        json.has("color_share") ? own.colorShares() : old.colorShares(),
        json.has("asym") ? own.asymmetry() : old.asymmetry(),
        json.has("mask_asym") ? own.maskAsymmetry() : old.maskAsymmetry());
  }

  private static double number(JsonObject json, String name) {
    return json.has(name) ? json.get(name).getAsDouble() : 0;
  }
}
