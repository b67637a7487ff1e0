package io.deem.cases;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.deem.Image;
import io.deem.diffusion.PredictionType;
import io.deem.model.AutoencoderKl;
import io.deem.model.ConvNextEncoder;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.model.LlamaDecoder;
import io.deem.model.MmfsNet;
import io.deem.model.ModelFolder;
import io.deem.model.PerceiverResampler;
import io.deem.model.Prompts;
import io.deem.model.UNet;
import io.deem.model.VisualTokenizer;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenizerFile;
import io.deem.training.InitialWeights;
import io.deem.weights.ElementType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A whole model with random weights, small enough to be made anew for a test. */
public final class TinyDeem {

  /** Words of its vocabulary. */
  public static final int WORDS = 96;

  /** What it continues. */
  public static final Prompts PROMPTS =
      new Prompts("{image}A photo of", "{image}{question} Answer:");

  private static final List<String> KNOWN =
      List.of(
          "A", "photo", "of", "Answer", ":", "?", "Is", "there", "a", "dog", "cat", "red", "blue",
          "green", "yes", "no", "What", "color", "is", "it");

  private TinyDeem() {}

  /** The architecture; {@code contextQueries} other than 5 make guidance take two passes. */
  public static DeemConfig config(int contextQueries) {
    return config(WORDS, contextQueries);
  }

  /** The architecture with another vocabulary, whose last word pads. */
  public static DeemConfig config(int words, int contextQueries) {
    List<Integer> widths = List.of(8, 8, 16, 16);
    return new DeemConfig(
        64,
        64,
        new InterleavedBatch.Special(1, 2, words - 1, words, words + 1, 5),
        words,
        new ConvNextEncoder.Config(
            List.of(1, 1, 2, 1), List.of(8, 16, 16, 24), 7, true, 16, 0, 1e-6),
        new PerceiverResampler.Config(5, 32, 16, 48, 2, 4, 2, true, 1e-12),
        new VisualTokenizer.Config(4, 32, 16),
        new LlamaDecoder.Config(words + 2, 32, 72, 3, 4, 4, 1e-5, 10_000, 2, 16, List.of(8, 4, 2)),
        new PerceiverResampler.Config(contextQueries, 16, 32, 64, 1, 4, 1, false, 1e-12),
        new AutoencoderKl.Config(3, 3, 4, widths, 1, 4, 0.18215),
        new UNet.Config(
            4, 4, widths, List.of(1, 2, 2, 4), List.of(true, true, true, false), 16, 1, 4, 1e-5),
        new MmfsNet.Config(widths, 1, 16, 32, 4, 8, 10, 8, List.of(64, 32, 16, 8)),
        PredictionType.V_PREDICTION);
  }

  /** What is said of it. */
  public static ModelFolder.Description description(DeemConfig config) {
    return new ModelFolder.Description(
        "tiny", config, PROMPTS, false, Map.of("data", "none", "seed", "7"));
  }

  /** Random weights, by which only words and the end are generated and images matter to them. */
  public static InitialWeights weights(DeemConfig config) {
    float[] bias = new float[WORDS + 2];
    Arrays.fill(bias, -1000);
    Arrays.fill(bias, 3, 3 + KNOWN.size(), 0);
    bias[2] = 1;
    return new InitialWeights(new DeemNetwork(config).params(), 7)
        .fill("gate", 0.5f)
        .set("text_decoder.head.bias", () -> bias);
  }

  /** Writes it. */
  public static void write(Path folder, DeemConfig config) throws IOException {
    ModelFolder.write(folder, description(config), weights(config), ElementType.F32, tokenizer());
  }

  /** Its words and the image tokens. */
  public static TokenizerFile tokenizer() throws IOException {
    return tokenizer(WORDS).withAddedTokens(SpecialTokens.IMAGE);
  }

  /** Whole words, split at spaces and around punctuation. */
  public static TokenizerFile tokenizer(int words) throws IOException {
    JsonObject vocabulary = new JsonObject();
    JsonArray added = new JsonArray();
    for (String special : List.of("<unk>", SpecialTokens.BEGIN, SpecialTokens.END)) {
      JsonObject entry = new JsonObject();
      entry.addProperty("id", vocabulary.size());
      entry.addProperty("content", special);
      for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
        entry.addProperty(flag, false);
      }
      entry.addProperty("special", true);
      added.add(entry);
      vocabulary.addProperty(special, vocabulary.size());
    }
    KNOWN.forEach(word -> vocabulary.addProperty(word, vocabulary.size()));
    while (vocabulary.size() < words) {
      vocabulary.addProperty("w" + vocabulary.size(), vocabulary.size());
    }
    JsonObject model = new JsonObject();
    model.addProperty("type", "WordLevel");
    model.add("vocab", vocabulary);
    model.addProperty("unk_token", "<unk>");
    JsonObject split = new JsonObject();
    split.addProperty("type", "Whitespace");
    JsonObject root = new JsonObject();
    root.addProperty("version", "1.0");
    root.add("added_tokens", added);
    for (String none :
        List.of("truncation", "padding", "normalizer", "post_processor", "decoder")) {
      root.add(none, JsonNull.INSTANCE);
    }
    root.add("pre_tokenizer", split);
    root.add("model", model);
    return TokenizerFile.parse("tiny tokenizer", root.toString());
  }

  /** A picture of noise. */
  public static Image picture(int width, int height, long seed) {
    byte[] rgb = new byte[width * height * 3];
    new Random(seed).nextBytes(rgb);
    return Image.ofRgb(width, height, rgb);
  }
}
