package io.deem.mini.recipe;

import com.google.gson.JsonObject;
import io.deem.mini.Captions;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Question;
import io.deem.mini.Questions;
import io.deem.mini.Scene;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.mini.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * Writes scenes as a data set that {@code deem train} reads: pictures and {@code data.jsonl}, every
 * other one with a caption, the others with a question.
 *
 * <pre>{@code SceneFolder DATA FOLDER COUNT [SEED]}</pre>
 */
public final class SceneFolder {

  private SceneFolder() {}

  /** Writes a folder. */
  public static void main(String[] args) throws IOException {
    if (args.length < 3) {
      System.err.println("usage: SceneFolder DATA FOLDER COUNT [SEED]");
      System.exit(2);
    }
    int seed = args.length > 3 ? Integer.parseInt(args[3]) : 0;
    write(Path.of(args[0]), Path.of(args[1]), Integer.parseInt(args[2]), seed);
  }

  /** Writes {@code count} scenes of the training styles. */
  static void write(Path data, Path folder, int count, int seed) throws IOException {
    Path emoji = data.resolve("emoji");
    EmojiCorpus corpus = EmojiCorpus.open(emoji, EmojiStyle.NOTO, EmojiStyle.TWEMOJI);
    Vocabulary vocabulary =
        Vocabulary.of(corpus.concepts().select(emoji.resolve("vocabulary.txt")));
    SceneGenerator scenes =
        SceneGenerator.training(Recipe.SEED + seed, corpus, vocabulary, SceneConfig.training());
    Captions captions = new Captions(Recipe.SEED);
    Questions questions = new Questions(vocabulary, Recipe.SEED);
    Files.createDirectories(folder);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Scene scene = scenes.scene(i);
      String name = String.format("scene-%05d.png", i);
      ImageIO.write(scene.picture().toBufferedImage(), "png", folder.resolve(name).toFile());
      JsonObject line = new JsonObject();
      line.addProperty("image", name);
      if (i % 2 == 0) {
        line.addProperty("caption", captions.caption(scene));
      } else {
        Question question = questions.draw(scene, 1).get(0);
        line.addProperty("question", question.text());
        line.addProperty("answer", question.answer());
      }
      lines.add(line.toString());
    }
    Files.write(folder.resolve("data.jsonl"), lines);
  }
}
