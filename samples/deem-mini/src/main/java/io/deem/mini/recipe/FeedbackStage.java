package io.deem.mini.recipe;

import io.deem.Alignment;
import io.deem.AlignmentReport;
import io.deem.AlignmentStrategy;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.Image;
import io.deem.ProgressListener;
import io.deem.mini.DeemMini;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Questions;
import io.deem.mini.Raster;
import io.deem.mini.Scene;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.evaluation.EncoderFeatures;
import io.deem.training.evaluation.LinearProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Aligns what is shipped to scenes of a style that it never saw, by each strategy and seed, and
 * says what that did to fidelity on held-out scenes, and on other scenes of that style to zero-shot
 * recognition of nouns, to a linear probe of the encoder that knows labels of the trained styles
 * only, and to yes/no questions. Only pictures are learnt from.
 *
 * <p>System properties change it: {@code deem.feedback.style}, {@code .strategies}, {@code .steps},
 * {@code .seeds}, {@code .images}, {@code .batch}, {@code .rate} and {@code .scenes}.
 */
final class FeedbackStage implements Stage {

  private static final String PREFIX = "deem.feedback.";

  /** Neither the scenes of training nor those that accuracy is measured on. */
  private static final long IMAGE_SEED = Recipe.SEED + 101;

  /** Single objects of each trained style. */
  private static final int PROBE_TRAINING = 1200;

  private static final double PROBE_PENALTY = 0.01;

  private final Recipe recipe;

  FeedbackStage(Recipe recipe) {
    this.recipe = recipe;
  }

  @Override
  public String name() {
    return "feedback";
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    EmojiStyle style = EmojiStyle.of(System.getProperty(PREFIX + "style", "fluent"));
    Measure measure = new Measure(recipe, style, Integer.getInteger(PREFIX + "scenes", 300));
    System.out.printf("%s before: %s%n", style.id(), measure.of(DeemMini.folder()));
    List<Image> images = images(style, Integer.getInteger(PREFIX + "images", 512));
    for (String strategy : list("strategies", "deem,diva,genhancer")) {
      for (String seed : list("seeds", "0,1")) {
        align(
            AlignmentStrategy.named(strategy),
            Integer.parseInt(seed),
            style,
            images,
            measure,
            listener,
            cancellation);
      }
    }
  }

  private static List<String> list(String property, String otherwise) {
    return Pattern.compile(",")
        .splitAsStream(System.getProperty(PREFIX + property, otherwise))
        .toList();
  }

  private void align(
      AlignmentStrategy strategy,
      int seed,
      EmojiStyle style,
      List<Image> images,
      Measure measure,
      ProgressListener listener,
      Cancellation cancellation)
      throws IOException {
    Path work = recipe.work().resolve(name());
    Path folder = work.resolve(style.id() + "-" + strategy + "-" + seed);
    Files.createDirectories(work);
    try (Deem deem = DeemMini.open();
        Alignment alignment =
            deem.aligner()
                .strategy(strategy)
                .images(images)
                .steps(Integer.getInteger(PREFIX + "steps", 300))
                .batchSize(Integer.getInteger(PREFIX + "batch", 16))
                .learningRate(Double.parseDouble(System.getProperty(PREFIX + "rate", "0")))
                .seed(seed)
                .heldOut(0.0625)
                .align(listener, cancellation)) {
      alignment.save(folder);
      AlignmentReport report = alignment.report();
      System.out.println(report);
      for (AlignmentReport.Evaluation each : report.evaluations()) {
        System.out.printf(
            Locale.ROOT, "  step %d: loss %.5f%n", each.step(), each.fidelity().loss());
      }
      System.out.printf(
          Locale.ROOT,
          "%s %s seed %d: fidelity loss %.4f to %.4f, gain %.4f to %.4f; after: %s; %.0f s%n",
          style.id(),
          strategy,
          seed,
          report.before().loss(),
          report.after().loss(),
          report.before().gain(),
          report.after().gain(),
          measure.of(folder),
          report.time().toMillis() / 1000.0);
    }
  }

  private List<Image> images(EmojiStyle style, int count) throws IOException {
    EmojiCorpus corpus = EmojiCorpus.open(recipe.data().resolve("emoji"), style);
    SceneGenerator scenes =
        SceneGenerator.evaluation(
            IMAGE_SEED, corpus, style, Labels.read(recipe).vocabulary(), SceneConfig.standard());
    List<Image> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Raster picture = scenes.scene(i).picture();
      images.add(Image.ofRgb(picture.width(), picture.height(), picture.rgb()));
    }
    return images;
  }

  /** What a model folder makes of new scenes of a style. */
  private record Measure(Recipe recipe, EmojiStyle style, int scenes) {

    String of(Path folder) throws IOException {
      Labels labels = Labels.read(recipe);
      EmojiCorpus corpus = EmojiCorpus.open(recipe.data().resolve("emoji"), style);
      SceneGenerator generator =
          SceneGenerator.evaluation(
              Recipe.SEED, corpus, style, labels.vocabulary(), SceneConfig.standard());
      try (ModelFolder model = ModelFolder.open(folder);
          TorchSession session = new TorchEngine().open(model.weights())) {
        DeemNetwork network = model.network();
        double nouns = new NounAccuracy(network.eyes(), labels).of(session, generator, scenes);
        PresenceTest test =
            new PresenceTest(
                network,
                new MiniText(model.tokenizer(), network.config().special()),
                (int) model.tokenizer().encodeWithoutBegin("yes")[0],
                (int) model.tokenizer().encodeWithoutBegin("no")[0]);
        PresenceTest.Result presence =
            test.run(session, generator, new Questions(labels.vocabulary(), Recipe.SEED), scenes);
        return String.format(
            Locale.ROOT,
            "nouns %.1f %% right, probe %.1f %%, presence %s",
            100 * nouns,
            100 * probe(new EncoderFeatures(session, network), labels),
            presence);
      }
    }

    /** The share of single objects that a classifier of the trained styles' objects names right. */
    private double probe(EncoderFeatures encoder, Labels labels) throws IOException {
      EmojiStyle[] known = {EmojiStyle.NOTO, EmojiStyle.TWEMOJI};
      List<float[]> features = new ArrayList<>();
      List<Integer> truth = new ArrayList<>();
      for (EmojiStyle each : known) {
        objects(encoder, labels, each, PROBE_TRAINING, features, truth);
      }
      LinearProbe probe =
          LinearProbe.train(
              features.toArray(float[][]::new),
              truth.stream().mapToInt(i -> i).toArray(),
              labels.size(),
              PROBE_PENALTY);
      features.clear();
      truth.clear();
      objects(encoder, labels, style, scenes, features, truth);
      int right = 0;
      for (int i = 0; i < features.size(); i++) {
        right += probe.classify(features.get(i)) == truth.get(i) ? 1 : 0;
      }
      return (double) right / features.size();
    }

    private void objects(
        EncoderFeatures encoder,
        Labels labels,
        EmojiStyle of,
        int count,
        List<float[]> features,
        List<Integer> truth)
        throws IOException {
      EmojiCorpus corpus = EmojiCorpus.open(recipe.data().resolve("emoji"), of);
      SceneConfig single = SceneConfig.standard().withCountWeights(1.0).withFrequencies(0, 0, 0);
      SceneGenerator generator =
          SceneGenerator.evaluation(Recipe.SEED, corpus, of, labels.vocabulary(), single);
      for (int i = 0; i < count; i++) {
        Scene scene = generator.scene(i);
        Raster picture = scene.picture();
        features.add(encoder.of(Image.ofRgb(picture.width(), picture.height(), picture.rgb())));
        truth.add(labels.of(scene.objects().get(0).concept()));
      }
    }
  }
}
