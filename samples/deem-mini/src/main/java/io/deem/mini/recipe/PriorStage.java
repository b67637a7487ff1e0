package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.graph.Param;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.LatentDiffusion;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.AdamW;
import io.deem.training.InitialWeights;
import io.deem.training.LearningRateSchedule;
import io.deem.training.ParameterGroup;
import io.deem.training.SessionWeights;
import io.deem.training.TrainingLoop;
import io.deem.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Trains the image prior, deem-mini's Stable Diffusion: the UNet on the autoencoder's latents. */
final class PriorStage implements Stage {

  private static final int BATCH = 32;
  private static final long STEPS = 2400;
  private static final int GAP_SCENES = 128;

  private final Recipe recipe;

  PriorStage(Recipe recipe) {
    this.recipe = recipe;
  }

  @Override
  public String name() {
    return "prior";
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    if (Files.exists(recipe.result(name()))) {
      return;
    }
    Labels labels = Labels.read(recipe);
    LatentDiffusion diffusion = MiniArchitecture.network().diffusion();
    GroundedCondition conditions = new GroundedCondition(labels);
    SceneGenerator scenes =
        SceneGenerator.training(
            Recipe.SEED + 2, recipe.corpus(), labels.vocabulary(), SceneConfig.training());
    SceneBatches batches = new SceneBatches(scenes, BATCH, MiniArchitecture.CANVAS);
    List<Param> params = new ArrayList<>(diffusion.autoencoder().params());
    params.addAll(diffusion.unet().params());
    params.addAll(conditions.params());
    try (SafetensorsFile autoencoder = SafetensorsFile.open(recipe.result("autoencoder"));
        InitialWeights start = new InitialWeights(params, Recipe.SEED + 2).from(autoencoder);
        TorchSession session = new TorchEngine().open(start);
        AdamW optimizer =
            new AdamW(
                session,
                new AdamW.Config(0.9, 0.99, 1e-8, 1),
                List.of(new ParameterGroup("", 1e-3, 0.01)),
                Set.of())) {
      params.forEach(session::load);
      session.trainable(parameter -> !parameter.startsWith(MiniArchitecture.AUTOENCODER));
      TrainingLoop.Plan plan =
          new TrainingLoop.Plan(
              name(),
              "prior 1",
              STEPS,
              Recipe.SEED,
              new LearningRateSchedule(100, STEPS, 0.02),
              recipe.checkpoints(name()),
              200);
      new TrainingLoop(session, optimizer, plan)
          .run(new PriorTask(diffusion, conditions, batches), listener, cancellation);
      for (EmojiStyle style : EmojiStyle.values()) {
        EmojiCorpus corpus = EmojiCorpus.open(recipe.data().resolve("emoji"), style);
        SceneGenerator test =
            SceneGenerator.evaluation(
                Recipe.SEED, corpus, style, labels.vocabulary(), SceneConfig.standard());
        System.out.println("prior, told and untold, on " + style.id());
        PriorGap.measure(
                session,
                diffusion,
                conditions,
                new SceneBatches(test, GAP_SCENES, MiniArchitecture.CANVAS))
            .forEach(System.out::println);
      }
      SessionWeights.of(session).write(recipe.result(name()));
    }
  }
}
