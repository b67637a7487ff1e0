package io.deem.training;

import io.deem.Image;
import io.deem.cases.TinyDeem;
import io.deem.desktop.DesktopImageCodec;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.text.SpecialTokens;
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

  private TinyModel() {}

  static DeemConfig config() {
    return TinyDeem.config(WORDS, 5);
  }

  /** Random weights; gates are open, so that every part gets a gradient. */
  static InitialWeights weights() {
    return new InitialWeights(new DeemNetwork(config()).params(), 7).fill("gate", 0.5f);
  }

  static Path write(Path folder) throws IOException {
    ModelFolder.write(
        folder,
        new ModelFolder.Description(
            "tiny", config(), TinyDeem.PROMPTS, false, Map.of("data", "none", "seed", "7")),
        weights(),
        ElementType.F32,
        TinyDeem.tokenizer(WORDS).withAddedTokens(SpecialTokens.IMAGE));
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
}
