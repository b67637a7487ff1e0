package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * Trains deem-mini from the pictures and weights in this module's {@code data} folder:
 *
 * <pre>{@code TrainMini DATA WORK [STAGE...]}</pre>
 *
 * Each stage leaves its result in a folder of WORK and is skipped if that is there; a stage that was
 * stopped goes on from its last checkpoint.
 */
public final class TrainMini {

  private static final int REPORT_EVERY = 20;

  private TrainMini() {}

  /** Runs the recipe. */
  public static void main(String[] args) throws IOException {
    if (args.length < 2) {
      System.err.println("usage: TrainMini DATA WORK [STAGE...]");
      System.exit(2);
    }
    Path data = Path.of(args[0]);
    Path work = Path.of(args[1]);
    List<String> chosen = List.of(args).subList(2, args.length);
    EmojiCorpus corpus =
        EmojiCorpus.open(data.resolve("emoji"), EmojiStyle.NOTO, EmojiStyle.TWEMOJI);
    for (Stage stage : stages(new Recipe(data, work, corpus))) {
      if (chosen.isEmpty() || chosen.contains(stage.name())) {
        stage.run(reporter(), new Cancellation());
      }
    }
  }

  private static List<Stage> stages(Recipe recipe) {
    return List.of(new AutoencoderStage(recipe));
  }

  private static ProgressListener reporter() {
    return progress -> {
      if (progress.step() % REPORT_EVERY == 0 || progress.step() == progress.totalSteps()) {
        System.out.println(line(progress));
      }
    };
  }

  private static String line(Progress progress) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT, "%s %d/%d", progress.stage(), progress.step(), progress.totalSteps()));
    progress.metrics().entrySet().stream()
        .sorted(java.util.Map.Entry.comparingByKey())
        .forEach(
            metric ->
                text.append(
                    String.format(Locale.ROOT, " %s %.4g", metric.getKey(), metric.getValue())));
    Duration left = progress.remaining();
    text.append(
        String.format(
            Locale.ROOT, "  %.1f/s  %d:%02d left", progress.itemsPerSecond(), left.toMinutes(),
            left.toSecondsPart()));
    return text.toString();
  }
}
