package io.deem.model;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.deem.json.ErrorText;
import java.util.ArrayList;
import java.util.List;

/** Reads {@link LlamaDecoder.Config} from Hugging Face's {@code config.json}. */
final class LlamaConfigFile {

  private static final double DEFAULT_THETA = 10_000;

  private LlamaConfigFile() {}

  static LlamaDecoder.Config read(JsonObject json) {
    int width = positive(json, "hidden_size");
    int heads = positive(json, "num_attention_heads");
    refuseUnsupported(json, width / heads);
    return new LlamaDecoder.Config(
        positive(json, "vocab_size"),
        width,
        positive(json, "intermediate_size"),
        positive(json, "num_hidden_layers"),
        heads,
        present(json, "num_key_value_heads") ? positive(json, "num_key_value_heads") : heads,
        number(json, "rms_norm_eps"),
        theta(json),
        present(json, "cross_attention_frequency")
            ? positive(json, "cross_attention_frequency")
            : 0,
        present(json, "image_embed_dim") ? positive(json, "image_embed_dim") : 0,
        shapes(json));
  }

  /** What would be computed silently wrong otherwise. */
  private static void refuseUnsupported(JsonObject json, int headWidth) {
    require(json, "hidden_act", "silu");
    for (String bias : List.of("attention_bias", "mlp_bias")) {
      require(json, bias, "false");
    }
    if (present(json, "head_dim")) {
      require(json, "head_dim", Integer.toString(headWidth));
    }
    if (present(json, "rope_scaling")) {
      throw unsupported("rope_scaling", json.get("rope_scaling"));
    }
  }

  private static double theta(JsonObject json) {
    if (present(json, "rope_parameters") && json.get("rope_parameters").isJsonObject()) {
      JsonObject rope = json.getAsJsonObject("rope_parameters");
      require(rope, "rope_type", "default");
      return present(rope, "rope_theta") ? number(rope, "rope_theta") : DEFAULT_THETA;
    }
    return present(json, "rope_theta") ? number(json, "rope_theta") : DEFAULT_THETA;
  }

  private static List<Integer> shapes(JsonObject json) {
    List<Integer> sides = new ArrayList<>();
    if (present(json, "spatial_shapes")) {
      if (!json.get("spatial_shapes").isJsonArray()) {
        throw unsupported("spatial_shapes", json.get("spatial_shapes"));
      }
      for (JsonElement side : json.getAsJsonArray("spatial_shapes")) {
        JsonObject entry = new JsonObject();
        entry.add("spatial_shapes", side);
        sides.add(positive(entry, "spatial_shapes"));
      }
    }
    return sides;
  }

  private static boolean present(JsonObject json, String name) {
    return json.has(name) && !json.get(name).isJsonNull();
  }

  private static void require(JsonObject json, String name, String value) {
    if (present(json, name)
        && !(json.get(name).isJsonPrimitive() && json.get(name).getAsString().equals(value))) {
      throw unsupported(name, json.get(name));
    }
  }

  private static int positive(JsonObject json, String name) {
    double value = number(json, name);
    if (value < 1 || value > Integer.MAX_VALUE || value != Math.rint(value)) {
      throw unsupported(name, json.get(name));
    }
    return (int) value;
  }

  private static double number(JsonObject json, String name) {
    JsonElement value = json.get(name);
    if (value == null) {
      throw new IllegalArgumentException("config.json: has no " + name);
    }
    if (!value.isJsonPrimitive() || !value.getAsJsonPrimitive().isNumber()) {
      throw unsupported(name, value);
    }
    return value.getAsDouble();
  }

  private static IllegalArgumentException unsupported(String name, JsonElement value) {
    return new IllegalArgumentException(
        "config.json: " + name + " " + ErrorText.quote(value.toString()) + " is not supported");
  }
}
