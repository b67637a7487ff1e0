package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.graph.Param;
import io.deem.mini.Concept;
import io.deem.mini.DeemMini;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Scene;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.LatentDiffusion;
import io.deem.model.ModelFolder;
import io.deem.model.VisualTokenizer;
import io.deem.text.Tokenizer;
import io.deem.text.TokenizerFile;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialWeights;
import io.deem.training.LearningRateSchedule;
import io.deem.training.ParameterGroup;
import io.deem.training.SessionWeights;
import io.deem.training.TrainingLoop;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What the arms of the ablation study have in common: the corpus, the contrastively pre-trained
 * encoder of each repetition, the image priors. Each result is a file, made when it is first asked
 * for and found again after that.
 */
final class AblationStudy implements AutoCloseable {

  private static final int GAP_SCENES = 96;
  private static final int CLASSIFIED = 192;
  private static final int PRIOR_BATCH = 32;

  private final Recipe recipe;
  private final AblationPlan plan;
  private final PrintStream log;
  private final AblationCorpus corpus;
  private final AblationModel model = new AblationModel();
  private final Tokenizer tokenizer;
  private final MiniText text;

  /**
   * The study.
   *
   * @param data holds {@code emoji} and {@code stories15M}
   * @param work gets the results
   * @param log is told what has been made
   */
  AblationStudy(Path data, Path work, AblationPlan plan, PrintStream log) throws IOException {
    EmojiCorpus emoji = EmojiCorpus.open(data.resolve("emoji"), EmojiStyle.values());
    this.recipe = new Recipe(data, work, emoji);
    this.plan = plan;
    this.log = log;
    this.corpus = new AblationCorpus(emoji, Labels.read(recipe, plan.concepts()));
    this.tokenizer =
        Tokenizer.open(
            TokenizerFile.read(data.resolve("stories15M"))
                .withAddedTokens(DeemStage.addedTokens()));
    this.text = new MiniText(tokenizer, model.network().config().special());
  }

  AblationPlan plan() {
    return plan;
  }

  AblationCorpus corpus() {
    return corpus;
  }

  AblationModel model() {
    return model;
  }

  MiniText text() {
    return text;
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  // ---------------------------------------------------------------- the encoder

  /** The encoder of a repetition, trained contrastively on the training styles alone. */
  Path encoder(int repetition) throws IOException {
    Path result = recipe.result("encoder-" + repetition);
    if (Files.exists(result)) {
      return result;
    }
    long seed = AblationPlan.seed(repetition) + 10;
    SceneBatches batches =
        new SceneBatches(corpus.training(seed), plan.pretrainingBatch(), MiniArchitecture.CANVAS);
    VisualTokenizer eyes = model.network().eyes();
    ContrastiveTask task = new ContrastiveTask(eyes, batches, corpus.labels());
    InitialWeights start = new InitialWeights(task.params(), seed);
    Map.Entry<String, Float> scale = ContrastiveTask.firstScale();
    start.set(scale.getKey(), () -> new float[] {scale.getValue()});
    AnchoredQueries.set(start, model.network().config().visualResampler().layers(), seed);
    AblationModel.scaleTokens(start, corpus.labels().meanNorm());
    try (TorchSession session = new TorchEngine().open(start);
        AdamW optimizer =
            new AdamW(
                session,
                new AdamW.Config(0.9, 0.98, 1e-8, 1),
                List.of(
                    new ParameterGroup("logit_scale", 1e-2, 0),
                    group("proj_t", 2e-4),
                    group("", 1e-3)),
                Set.of())) {
      task.params().forEach(session::load);
      session.trainable(name -> !name.equals(eyes.positionTable()));
      Curve curve = new Curve();
      new TrainingLoop(session, optimizer, loop("contrastive", plan.pretraining(), seed))
          .run(task, curve, new Cancellation());
      log.println("encoder " + repetition + ": " + curve.end());
      for (EmojiStyle style : EmojiStyle.values()) {
        log.printf(
            Locale.ROOT,
            "encoder %d: single objects of %s told apart: %.1f %%%n",
            repetition,
            style.id(),
            100 * zeroShot(session, task, style));
      }
      Files.createDirectories(result.getParent());
      SessionWeights.of(session).write(result);
    }
    return result;
  }

  /** The share of single objects that the encoder classifies right, by its label. */
  private double zeroShot(TorchSession session, ContrastiveTask task, EmojiStyle style) {
    SceneGenerator singles =
        corpus.drawn(style, AblationPlan.TEST_SEED, SceneConfig.standard().withCountWeights(1.0));
    List<Concept> concepts = corpus.labels().vocabulary().concepts();
    List<Scene> scenes = new ArrayList<>();
    for (int i = 0; i < CLASSIFIED; i++) {
      scenes.add(singles.scene(i));
    }
    try (TorchScope scope = session.scope()) {
      int[] chosen = task.classify(scope, scenes, concepts);
      int right = 0;
      for (int i = 0; i < chosen.length; i++) {
        right += concepts.get(chosen[i]).equals(scenes.get(i).objects().get(0).concept()) ? 1 : 0;
      }
      return (double) right / chosen.length;
    }
  }

  // ---------------------------------------------------------------- the image priors

  /** An image prior: deem-mini's, trained on a little with the styles of this one. */
  Path prior(AblationPrior prior) throws IOException {
    String name = "prior-" + prior.id();
    Path result = recipe.result(name);
    if (Files.exists(result)) {
      return result;
    }
    LatentDiffusion diffusion = model.network().diffusion();
    GroundedCondition conditions = new GroundedCondition(corpus.labels());
    List<Param> params = new ArrayList<>(diffusion.autoencoder().params());
    params.addAll(diffusion.unet().params());
    params.addAll(conditions.params());
    try (ModelFolder mini = ModelFolder.open(DeemMini.folder());
        TorchSession session =
            new TorchEngine()
                .open(new InitialWeights(params, Recipe.SEED + 2).from(mini.weights()));
        AdamW optimizer =
            new AdamW(
                session,
                new AdamW.Config(0.9, 0.99, 1e-8, 1),
                List.of(group("prior_task", 2e-3), group("", 4e-4)),
                Set.of())) {
      params.forEach(session::load);
      session.trainable(parameter -> !parameter.startsWith(MiniArchitecture.AUTOENCODER));
      Curve curve = new Curve();
      new TrainingLoop(session, optimizer, loop(name, plan.prior(), Recipe.SEED))
          .run(new PriorTask(diffusion, conditions, scenes(prior)), curve, new Cancellation());
      List<String> lines = new ArrayList<>(List.of(name + ": " + curve.end()));
      for (EmojiStyle style : EmojiStyle.values()) {
        SceneBatches test =
            new SceneBatches(corpus.test(style), GAP_SCENES, MiniArchitecture.CANVAS);
        PriorGap.measure(session, diffusion, conditions, test)
            .forEach(line -> lines.add(name + " " + style.id() + " " + line));
      }
      lines.forEach(log::println);
      Files.write(recipe.work().resolve(name + ".txt"), lines);
      List<String> kept =
          session.params().stream().filter(each -> each.contains(".unet.")).toList();
      Files.createDirectories(result.getParent());
      SessionWeights.of(session, kept).write(result);
    }
    return result;
  }

  /** Scenes of a prior's styles in turn. */
  private SceneBatches scenes(AblationPrior prior) {
    List<SceneGenerator> artists =
        prior.styles().stream()
            .map(style -> corpus.drawn(style, Recipe.SEED + 6_000, SceneConfig.training()))
            .toList();
    int count = artists.size();
    return new SceneBatches(
        index -> artists.get((int) (index % count)).scene(index),
        PRIOR_BATCH,
        MiniArchitecture.CANVAS);
  }

  // ---------------------------------------------------------------- what all use

  static ParameterGroup group(String pattern, double rate) {
    return new ParameterGroup(pattern, rate, 0.01);
  }

  /** A run without checkpoints: what is stopped is done anew. */
  static TrainingLoop.Plan loop(String name, int steps, long seed) {
    return new TrainingLoop.Plan(
        name,
        name,
        steps,
        seed,
        new LearningRateSchedule(Math.min(20, steps / 2), steps, 0.05),
        null,
        steps);
  }
}
