package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.graph.Param;
import io.deem.graph.Value;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.DeemNetwork;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialWeights;
import io.deem.training.LearningRateSchedule;
import io.deem.training.ParameterGroup;
import io.deem.training.SessionWeights;
import io.deem.training.TrainingLoop;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Trains the image encoder and the resampler on nouns; see {@link NounTask}. */
final class EncoderStage implements Stage {

  private static final int BATCH = 32;

  /**
   * What makes one such stage different from another.
   *
   * @param name of the stage
   * @param from earlier stages whose weights it starts from; of one name the last counts
   * @param sceneSeed added to the recipe's seed for its scenes
   * @param steps in all
   * @param warmup steps until the full learning rate
   * @param learningRate of everything but the temperatures
   */
  record Plan(
      String name,
      List<String> from,
      int sceneSeed,
      long steps,
      long warmup,
      double learningRate) {}

  private final Recipe recipe;
  private final Plan plan;

  EncoderStage(Recipe recipe, Plan plan) {
    this.recipe = recipe;
    this.plan = plan;
  }

  @Override
  public String name() {
    return plan.name;
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    if (Files.exists(recipe.result(name()))) {
      return;
    }
    DeemNetwork network = MiniArchitecture.network();
    Labels labels = Labels.read(recipe);
    SceneGenerator scenes =
        SceneGenerator.training(
            Recipe.SEED + plan.sceneSeed,
            recipe.corpus(),
            labels.vocabulary(),
            SceneConfig.training());
    SceneBatches batches = new SceneBatches(scenes, BATCH, MiniArchitecture.CANVAS);
    List<Param> params = new ArrayList<>(network.eyes().params());
    params.addAll(NounTask.params());
    InitialWeights start = new InitialWeights(params, Recipe.SEED + 1);
    start.fill("gamma", 1f).fill("_temperature", 12);
    AnchoredQueries.set(start, network.config().visualResampler().layers(), Recipe.SEED);
    List<TensorSource> opened = new ArrayList<>();
    for (String stage : plan.from) {
      SafetensorsFile weights = SafetensorsFile.open(recipe.result(stage));
      opened.add(weights);
      start.from(weights);
    }
    try (TorchSession session = new TorchEngine().open(start);
        AdamW optimizer =
            new AdamW(
                session,
                new AdamW.Config(0.9, 0.98, 1e-8, 1),
                List.of(
                    new ParameterGroup("_temperature", 1e-2, 0),
                    new ParameterGroup("", plan.learningRate, 0.05)),
                Set.of())) {
      params.forEach(session::load);
      session.trainable(name -> !name.equals(network.eyes().positionTable()));
      TrainingLoop.Plan loop =
          new TrainingLoop.Plan(
              name(),
              name() + " " + plan.steps,
              plan.steps,
              Recipe.SEED,
              new LearningRateSchedule(plan.warmup, plan.steps, 0.01),
              recipe.checkpoints(name()),
              200);
      new TrainingLoop(session, optimizer, loop)
          .run(new NounTask(network.eyes(), labels, batches), listener, cancellation);
      scaleTokens(session, network, batches.batch(plan.steps), labels.meanNorm());
      SessionWeights.of(session).write(recipe.result(name()));
    } finally {
      opened.forEach(TensorSource::close);
    }
  }

  /**
   * Makes visual tokens as long as the embeddings of words, which the language model is used to.
   */
  private static void scaleTokens(
      TorchSession session, DeemNetwork network, SceneBatches.Batch batch, double wanted) {
    double sum = 0;
    int count = 0;
    try (TorchScope scope = session.scope()) {
      Value pixels =
          scope.floats(
              batch.pixels(),
              batch.scenes().size(),
              3,
              MiniArchitecture.CANVAS,
              MiniArchitecture.CANVAS);
      float[] tokens = network.eyes().forward(scope, pixels, null).tokens().floats();
      int width = MiniArchitecture.LANGUAGE_WIDTH;
      for (int i = 0; i < tokens.length; i += width) {
        double square = 0;
        for (int k = 0; k < width; k++) {
          square += tokens[i + k] * tokens[i + k];
        }
        sum += Math.sqrt(square);
        count++;
      }
    }
    float factor = (float) (wanted / (sum / count));
    for (String name : List.of("visual_tokenizer.proj_t.weight", "visual_tokenizer.proj_t.bias")) {
      float[] values = session.param(name).floats();
      for (int i = 0; i < values.length; i++) {
        values[i] *= factor;
      }
      session.set(name, values);
    }
  }
}
