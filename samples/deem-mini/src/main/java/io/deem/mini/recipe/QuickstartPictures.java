package io.deem.mini.recipe;

import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Negative;
import io.deem.mini.Question;
import io.deem.mini.QuestionKind;
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
 * Draws the pictures of the quickstart, in the styles that deem-mini is never trained on, of
 * concepts that it is trained on, and writes questions about them with the true answers:
 *
 * <pre>{@code QuickstartPictures DATA FOLDER SEED}</pre>
 *
 * The seed alone decides what is shown and asked.
 */
public final class QuickstartPictures {

  private static final int SIDE = 256;
  private static final List<EmojiStyle> STYLES =
      List.of(
          EmojiStyle.FLUENT,
          EmojiStyle.FLUENT,
          EmojiStyle.FLUENT,
          EmojiStyle.FLUENT,
          EmojiStyle.OPENMOJI,
          EmojiStyle.OPENMOJI,
          EmojiStyle.OPENMOJI,
          EmojiStyle.OPENMOJI_BLACK,
          EmojiStyle.OPENMOJI_BLACK,
          EmojiStyle.OPENMOJI_BLACK);

  /** Asked with options, the first that the scene allows; pictures start at different ones. */
  private static final List<QuestionKind> CHOICES =
      List.of(
          QuestionKind.COLOR,
          QuestionKind.COUNT_OBJECTS,
          QuestionKind.RELATION,
          QuestionKind.WHAT,
          QuestionKind.COUNT);

  private static final List<QuestionKind> CHECKS =
      List.of(QuestionKind.RELATION_CHECK, QuestionKind.COLOR_CHECK);

  private QuickstartPictures() {}

  /** Writes the pictures and {@code questions.tsv}. */
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println("usage: QuickstartPictures DATA FOLDER SEED");
      System.exit(2);
    }
    Path data = Path.of(args[0]);
    Path folder = Path.of(args[1]);
    long seed = Long.parseLong(args[2]);
    EmojiCorpus corpus =
        EmojiCorpus.open(
            data.resolve("emoji"),
            EmojiStyle.FLUENT,
            EmojiStyle.OPENMOJI,
            EmojiStyle.OPENMOJI_BLACK);
    Vocabulary vocabulary = Labels.read(new Recipe(data, folder, corpus)).vocabulary();
    SceneConfig config = SceneConfig.standard().withCanvas(SIDE).withCountWeights(0.3, 0.4, 0.3);
    Questions questions = new Questions(vocabulary, seed);
    List<String> lines = new ArrayList<>();
    lines.add("# picture\tquestion\tanswer\toptions; without options the answer is found freely");
    for (int i = 0; i < STYLES.size(); i++) {
      EmojiStyle style = STYLES.get(i);
      Scene scene = SceneGenerator.evaluation(seed, corpus, style, vocabulary, config).scene(i);
      String name = name(i, style);
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      ImageIO.write(scene.picture().toBufferedImage(), "png", file.toFile());
      for (Question question : ask(questions, scene)) {
        // Whether something is there is asked freely; else the options say what kind of answer
        // fits.
        String options = question.kind().yesNo() ? "" : String.join("|", question.options());
        lines.add(String.join("\t", name, question.text(), question.answer(), options));
      }
    }
    Files.writeString(folder.resolve("questions.tsv"), String.join("\n", lines) + "\n");
  }

  /** OpenMoji's pictures lie in a folder of their own, since they are share-alike. */
  private static String name(int index, EmojiStyle style) {
    String folder = style.equals(EmojiStyle.FLUENT) ? "" : "open-cc-by-sa/";
    return String.format("%s%02d-%s.png", folder, index + 1, style.id());
  }

  /** What is there and what is not, a choice, and a yes/no question of another kind. */
  private static List<Question> ask(Questions questions, Scene scene) {
    int index = (int) scene.index();
    Negative negative = List.of(Negative.values()).get(index % Negative.values().length);
    List<Question> asked = new ArrayList<>(questions.presence(scene, negative));
    if (asked.isEmpty()) {
      asked.addAll(questions.presence(scene, Negative.RANDOM));
    }
    addOne(asked, questions, scene, CHOICES);
    addOne(asked, questions, scene, CHECKS);
    return asked;
  }

  private static void addOne(
      List<Question> asked, Questions questions, Scene scene, List<QuestionKind> kinds) {
    int index = (int) scene.index();
    for (int i = 0; i < kinds.size(); i++) {
      QuestionKind kind = kinds.get((index + i) % kinds.size());
      // Everything in a black drawing is black.
      boolean pointless =
          scene.style().equals(EmojiStyle.OPENMOJI_BLACK)
              && (kind == QuestionKind.COLOR || kind == QuestionKind.COLOR_CHECK);
      List<Question> possible = pointless ? List.of() : questions.all(scene, kind);
      if (!possible.isEmpty()) {
        asked.add(possible.get(index / 2 % possible.size()));
        return;
      }
    }
  }
}
