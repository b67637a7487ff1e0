package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.training.ParameterGroup;
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
 * Each stage leaves its result in a folder of WORK and is skipped if that is there; a stage that
 * was stopped goes on from its last checkpoint.
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
    Recipe recipe = new Recipe(data, work, corpus);
    for (Stage stage : stages(recipe)) {
      if (chosen.isEmpty() || chosen.contains(stage.name())) {
        stage.run(reporter(), new Cancellation());
      }
    }
    for (Stage extra :
        List.of(
            new SpeedStage(alignment(recipe)),
            new PresenceStage(recipe, PresenceStage.SHIPPED),
            new FeedbackStage(recipe))) {
      if (chosen.contains(extra.name())) {
        extra.run(reporter(), new Cancellation());
      }
    }
  }

  private static List<Stage> stages(Recipe recipe) {
    return List.of(
        new AutoencoderStage(recipe),
        new PriorStage(recipe),
        new EncoderStage(recipe, new EncoderStage.Plan("encoder", List.of(), 1, 3600, 200, 1.5e-3)),
        language(recipe),
        alignment(recipe),
        new PresenceStage(recipe, "alignment"),
        answering(recipe),
        new EncoderStage(
            recipe,
            new EncoderStage.Plan(
                "recognition", List.of("encoder", "alignment"), 7, 1400, 50, 8e-4)),
        tuning(recipe),
        new PresenceStage(recipe, "tuning"),
        new PackageStage(recipe, "tuning"));
  }

  private static boolean inLanguageModel(String name) {
    return name.startsWith("mm_decoder.layers.")
        || name.startsWith("mm_decoder.norm.")
        || name.startsWith("text_decoder.head_new")
        || name.equals("soi_token");
  }

  private static Stage language(Recipe recipe) {
    DeemStage.Plan plan =
        new DeemStage.Plan(
            "language",
            List.of(),
            4,
            16,
            700,
            50,
            List.of(new ParameterGroup("", 5e-4, 0.01)),
            name -> inLanguageModel(name) && !name.contains("llama_cross_attn"));
    return new DeemStage(
        recipe,
        plan,
        m ->
            new LanguageTask(
                m.network(),
                m.labels(),
                m.batches(),
                m.text(),
                m.captions(),
                m.questions(),
                4,
                0.2));
  }

  /** DEEM's first stage: the language model and the UNet stay as they are. */
  private static DeemStage alignment(Recipe recipe) {
    DeemStage.Plan plan =
        new DeemStage.Plan(
            "alignment",
            List.of("language", "prior", "encoder"),
            5,
            16,
            400,
            30,
            List.of(
                // What starts from nothing may run ahead of what has been trained before.
                new ParameterGroup("sampling_offsets", 1e-3, 0),
                new ParameterGroup("llama_cross_attn", 1e-3, 0),
                new ParameterGroup("mmfs_module", 1e-3, 0.01),
                new ParameterGroup("visual_tokenizer.proj_i", 1e-3, 0.01),
                new ParameterGroup("image_decoder", 1e-3, 0.01),
                new ParameterGroup("context_feat_proj", 1e-3, 0.01),
                new ParameterGroup("visual_tokenizer.sniffer", 2e-4, 0.05),
                new ParameterGroup("", 3e-4, 0.05)),
            Freezing.PRETRAINING);
    DeemTask.Mix mix = new DeemTask.Mix(0.3, 2, 6, new DeemNetwork.LossWeights(1, 5, 5));
    return new DeemStage(
        recipe,
        plan,
        m -> new DeemTask(m.network(), m.batches(), m.text(), m.captions(), m.questions(), mix));
  }

  /** The second stage: the language model learns to answer, the encoder stays as it is. */
  private static Stage answering(Recipe recipe) {
    DeemStage.Plan plan =
        new DeemStage.Plan(
            "answering",
            List.of("alignment"),
            6,
            24,
            600,
            30,
            List.of(
                new ParameterGroup("sampling_offsets", 1e-4, 0),
                new ParameterGroup("", 3e-4, 0.01)),
            TrainMini::inLanguageModel);
    DeemTask.Mix mix = new DeemTask.Mix(0.2, 4, 0, new DeemNetwork.LossWeights(1, 0, 0));
    return new DeemStage(
        recipe,
        plan,
        m -> new DeemTask(m.network(), m.batches(), m.text(), m.captions(), m.questions(), mix));
  }

  /**
   * All of it together, briefly: what the encoder and the language model learnt apart fits again.
   */
  private static Stage tuning(Recipe recipe) {
    DeemStage.Plan plan =
        new DeemStage.Plan(
            "tuning",
            List.of("answering", "recognition"),
            8,
            16,
            300,
            20,
            List.of(
                new ParameterGroup("sampling_offsets", 1e-4, 0),
                new ParameterGroup("visual_tokenizer.sniffer", 5e-5, 0.05),
                new ParameterGroup("visual_tokenizer.perceiver_resampler", 5e-5, 0.05),
                new ParameterGroup("visual_tokenizer.proj_i", 5e-4, 0.01),
                new ParameterGroup("mmfs_module", 5e-4, 0.01),
                new ParameterGroup("", 2e-4, 0.01)),
            name -> Freezing.PRETRAINING.test(name) || inLanguageModel(name));
    DeemTask.Mix mix = new DeemTask.Mix(0.2, 4, 0, new DeemNetwork.LossWeights(1, 0, 2));
    return new DeemStage(
        recipe,
        plan,
        m -> new DeemTask(m.network(), m.batches(), m.text(), m.captions(), m.questions(), mix));
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
            Locale.ROOT,
            "  %.1f/s  %d:%02d left",
            progress.itemsPerSecond(),
            left.toMinutes(),
            left.toSecondsPart()));
    return text.toString();
  }
}
