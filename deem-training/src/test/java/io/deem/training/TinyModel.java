package io.deem.training;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.deem.Image;
import io.deem.desktop.DesktopImageCodec;
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
import io.deem.weights.ElementType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A whole model with random weights and a data set, small enough to be trained in a test. */
final class TinyModel {

  static final int WORDS = 32000;
  private static final int SIDE = 64;
  private static final List<String> KNOWN =
      List.of("A", "photo", "of", "Answer", ":", "?", "What", "color", "is", "it", "red", "blue");

  private TinyModel() {}

  static DeemConfig config() {
    List<Integer> widths = List.of(8, 8, 16, 16);
    return new DeemConfig(
        SIDE,
        SIDE,
        new InterleavedBatch.Special(1, 2, WORDS - 1, WORDS, WORDS + 1, 5),
        WORDS,
        new ConvNextEncoder.Config(
            List.of(1, 1, 2, 1), List.of(8, 16, 16, 24), 7, true, 16, 0, 1e-6),
        new PerceiverResampler.Config(5, 32, 16, 48, 2, 4, 2, true, 1e-12),
        new VisualTokenizer.Config(4, 32, 16),
        new LlamaDecoder.Config(WORDS + 2, 32, 72, 3, 4, 4, 1e-5, 10_000, 2, 16, List.of(8, 4, 2)),
        new PerceiverResampler.Config(5, 16, 32, 64, 1, 4, 1, false, 1e-12),
        new AutoencoderKl.Config(3, 3, 4, widths, 1, 4, 0.18215),
        new UNet.Config(
            4, 4, widths, List.of(1, 2, 2, 4), List.of(true, true, true, false), 16, 1, 4, 1e-5),
        new MmfsNet.Config(widths, 1, 16, 32, 4, 8, 10, 8, List.of(64, 32, 16, 8)),
        PredictionType.V_PREDICTION);
  }

  /** Random weights; gates are open, so that every part gets a gradient. */
  static InitialWeights weights() {
    return new InitialWeights(new DeemNetwork(config()).params(), 7).fill("gate", 0.5f);
  }

  static Path write(Path folder) throws IOException {
    ModelFolder.write(
        folder,
        new ModelFolder.Description(
            "tiny",
            config(),
            new Prompts("{image}A photo of", "{image}{question} Answer:"),
            false,
            Map.of("data", "none", "seed", "7")),
        weights(),
        ElementType.F32,
        tokenizer().withAddedTokens(SpecialTokens.IMAGE));
    return folder;
  }

  /** A folder of one-coloured pictures with captions and questions. */
  static Path data(Path folder, int count, int seed) throws IOException {
    Files.createDirectories(folder);
    Random random = new Random(seed);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean red = random.nextBoolean();
      byte[] rgb = new byte[SIDE * SIDE * 3];
      for (int at = 0; at < rgb.length; at++) {
        boolean bright = at % 3 == (red ? 0 : 2);
        rgb[at] = (byte) (bright ? 200 + random.nextInt(50) : random.nextInt(60));
      }
      String name = "p" + i + ".png";
      byte[] png = new DesktopImageCodec().encodePng(Image.ofRgb(SIDE, SIDE, rgb));
      Files.write(folder.resolve(name), png);
      String color = red ? "red" : "blue";
      lines.add(
          i % 2 == 0
              ? "{\"image\": \"" + name + "\", \"caption\": \"A photo of " + color + "\"}"
              : "{\"image\": \""
                  + name
                  + "\", \"question\": \"What color is it?\", \"answer\": \""
                  + color
                  + "\"}");
    }
    Files.write(folder.resolve("data.jsonl"), lines);
    return folder;
  }

  private static TokenizerFile tokenizer() throws IOException {
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
    while (vocabulary.size() < WORDS) {
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
}
