package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.mini.Captions;
import io.deem.mini.Questions;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.text.SpecialTokens;
import io.deem.text.Tokenizer;
import io.deem.text.TokenizerFile;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialDeem;
import io.deem.training.InitialWeights;
import io.deem.training.LearningRateSchedule;
import io.deem.training.ParameterGroup;
import io.deem.training.SessionWeights;
import io.deem.training.TrainingLoop;
import io.deem.training.TrainingTask;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A stage that trains the whole model or its language model, from the results of earlier stages.
 */
final class DeemStage implements Stage {

  /**
   * What makes one such stage different from another.
   *
   * @param name of the stage
   * @param from earlier stages whose weights it starts from; of one name the last counts
   * @param sceneSeed added to the recipe's seed for its scenes
   * @param batch scenes in a step
   * @param steps in all
   * @param warmup steps until the full learning rate
   * @param groups learning rates by parameter name
   * @param learns which parameters learn
   */
  record Plan(
      String name,
      List<String> from,
      int sceneSeed,
      int batch,
      long steps,
      long warmup,
      List<ParameterGroup> groups,
      Predicate<String> learns) {}

  /** What a task is made of. */
  record Materials(
      DeemNetwork network,
      Labels labels,
      SceneBatches batches,
      MiniText text,
      Captions captions,
      Questions questions) {}

  /** Makes the task of a stage. */
  interface TaskMaker {
    TrainingTask make(Materials materials);
  }

  private final Recipe recipe;
  private final Plan plan;
  private final TaskMaker maker;

  DeemStage(Recipe recipe, Plan plan, TaskMaker maker) {
    this.recipe = recipe;
    this.plan = plan;
    this.maker = maker;
  }

  @Override
  public String name() {
    return plan.name;
  }

  /** Scenes in a step. */
  int samplesPerStep() {
    return plan.batch;
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    if (Files.exists(recipe.result(name()))) {
      return;
    }
    try (Trainee trainee = prepare(Precision.FP32, plan.from)) {
      TrainingLoop.Plan loop =
          new TrainingLoop.Plan(
              name(),
              name() + " " + plan.steps + " x " + plan.batch,
              plan.steps,
              Recipe.SEED,
              new LearningRateSchedule(plan.warmup, plan.steps, 0.02),
              recipe.checkpoints(name()),
              100);
      trainee.run(loop, listener, cancellation);
      SessionWeights.of(trainee.session).write(recipe.result(name()));
    }
  }

  /**
   * Trains for some steps in a precision, from random weights, without checkpoints or result, to
   * see how fast it goes.
   */
  void rehearse(Precision precision, long steps, ProgressListener listener) throws IOException {
    try (Trainee trainee = prepare(precision, List.of())) {
      TrainingLoop.Plan loop =
          new TrainingLoop.Plan(
              name(),
              "rehearsal",
              steps,
              Recipe.SEED,
              LearningRateSchedule.constant(),
              null,
              steps);
      trainee.run(loop, listener, new Cancellation());
    }
  }

  private Trainee prepare(Precision precision, List<String> from) throws IOException {
    DeemNetwork network = MiniArchitecture.network();
    Labels labels = Labels.read(recipe);
    Tokenizer tokenizer =
        Tokenizer.open(
            TokenizerFile.read(recipe.data().resolve("stories15M")).withAddedTokens(addedTokens()));
    SceneGenerator scenes =
        SceneGenerator.training(
            Recipe.SEED + plan.sceneSeed,
            recipe.corpus(),
            labels.vocabulary(),
            SceneConfig.training());
    Materials materials =
        new Materials(
            network,
            labels,
            new SceneBatches(scenes, plan.batch, MiniArchitecture.CANVAS),
            new MiniText(tokenizer, network.config().special()),
            new Captions(Recipe.SEED),
            new Questions(labels.vocabulary(), Recipe.SEED));
    List<TensorSource> sources = new ArrayList<>();
    InitialWeights start = start(network, from, sources);
    TorchSession session = new TorchEngine(precision).open(start);
    network.params().forEach(session::load);
    session.trainable(plan.learns);
    AdamW optimizer =
        new AdamW(session, new AdamW.Config(0.9, 0.98, 1e-8, 1), plan.groups, Set.of());
    return new Trainee(session, optimizer, maker.make(materials), tokenizer, sources);
  }

  /** Everything that a run holds open. */
  private record Trainee(
      TorchSession session,
      AdamW optimizer,
      TrainingTask task,
      Tokenizer tokenizer,
      List<TensorSource> sources)
      implements AutoCloseable {

    void run(TrainingLoop.Plan plan, ProgressListener listener, Cancellation cancellation)
        throws IOException {
      new TrainingLoop(session, optimizer, plan).run(task, listener, cancellation);
    }

    @Override
    public void close() {
      optimizer.close();
      session.close();
      tokenizer.close();
      sources.forEach(TensorSource::close);
    }
  }

  private InitialWeights start(DeemNetwork network, List<String> from, List<TensorSource> opened)
      throws IOException {
    TensorSource llama = ModelWeights.open(recipe.data().resolve("stories15M"));
    opened.add(llama);
    InitialWeights start = new InitialDeem(network, Recipe.SEED + 3).languageModel(llama).weights();
    for (String table : List.of("mm_decoder.embed_tokens.weight", "text_decoder.head.weight")) {
      float[] rows = start.floats(table);
      start.set(table, () -> withEnd(rows, network.config().special()));
    }
    for (String stage : from) {
      SafetensorsFile weights = SafetensorsFile.open(recipe.result(stage));
      opened.add(weights);
      start.from(weights);
      if (weights.contains(GroundedCondition.NOTHING.name())) {
        // The image prior's "nothing" is what guidance pushes away from.
        float[] nothing = weights.floats(GroundedCondition.NOTHING.name());
        start.set("image_decoder.neg_prompt_embeds", () -> repeated(nothing, network));
      }
    }
    return start;
  }

  /**
   * stories15M ends a story with the token that begins the next one and has never seen the end
   * token, whose row, which does not learn, could hardly be predicted. It gets the beginning's row,
   * a little longer, so that it wins against it.
   */
  private static float[] withEnd(float[] table, InterleavedBatch.Special special) {
    int width = MiniArchitecture.LANGUAGE_WIDTH;
    float[] result = table.clone();
    for (int i = 0; i < width; i++) {
      result[special.end() * width + i] = 1.3f * table[special.beginning() * width + i];
    }
    return result;
  }

  private static float[] repeated(float[] token, DeemNetwork network) {
    int count = network.config().contextResampler().queries();
    float[] all = new float[count * token.length];
    for (int i = 0; i < count; i++) {
      System.arraycopy(token, 0, all, i * token.length, token.length);
    }
    return all;
  }

  /** The tokens that deem-mini adds to the vocabulary, in the order of their ids. */
  static List<String> addedTokens() {
    List<String> tokens = new ArrayList<>(SpecialTokens.IMAGE);
    tokens.addAll(SpecialTokens.GROUNDING);
    return tokens;
  }
}
