package io.deem.quickstart;

import io.deem.Answer;
import io.deem.Choice;
import io.deem.Deem;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Shows deem-mini pictures in styles that it was never trained on, asks about them, and draws what
 * it saw.
 *
 * <pre>{@code Quickstart PICTURES_FOLDER POSTER.png}</pre>
 */
public final class Quickstart {

  private Quickstart() {}

  /** Runs the program; an error is one line and exit code 1. */
  public static void main(String[] args) {
    if (args.length != 2) {
      System.err.println("usage: Quickstart PICTURES_FOLDER POSTER.png");
      System.exit(2);
    }
    try {
      run(Path.of(args[0]), Path.of(args[1]));
    } catch (IOException | IllegalStateException e) {
      System.err.println("quickstart: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void run(Path pictures, Path poster) throws IOException {
    List<Sight> sights = new ArrayList<>();
    Map<String, List<Question>> questions = Question.read(pictures.resolve("questions.tsv"));
    try (Deem deem = DeemMini.open()) {
      for (Map.Entry<String, List<Question>> asked : questions.entrySet()) {
        Image picture = Image.read(pictures.resolve(asked.getKey()));
        Sight sight = look(deem.perceiver(), asked.getKey(), picture, asked.getValue());
        System.out.print(sight);
        sights.add(sight);
      }
    }
    Poster.write(sights, poster);
    System.out.printf("%s%nwrote %s%n", Sight.score(sights), poster);
  }

  /** All that the SDK does for this program. */
  static Sight look(Perceiver perceiver, String name, Image picture, List<Question> questions) {
    long start = System.nanoTime();
    String caption = perceiver.describe(picture).text();
    List<Sight.Reply> replies = new ArrayList<>();
    for (Question question : questions) {
      if (question.options().isEmpty()) {
        Answer answer = perceiver.ask(picture, question.text());
        replies.add(new Sight.Reply(question, answer.text(), answer.probability()));
      } else {
        Choice best = perceiver.choose(picture, question.text(), question.options()).get(0);
        replies.add(new Sight.Reply(question, best.text(), best.share()));
      }
    }
    double fidelity = perceiver.fidelity(picture).gain();
    Image redraw = perceiver.redraw(picture);
    Duration time = Duration.ofNanos(System.nanoTime() - start);
    return new Sight(name, picture, redraw, caption, replies, fidelity, time);
  }
}
