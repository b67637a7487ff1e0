package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.mini.Vocabulary;
import io.deem.model.AutoencoderKl;
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
import java.nio.file.Files;
import java.util.List;
import java.util.Set;

/** Trains the autoencoder on scenes of every seen concept, then whitens its latents. */
final class AutoencoderStage implements Stage {

  private static final int BATCH = 16;
  private static final long STEPS = 1500;
  private static final int WHITENING_BATCHES = 48;

  private final Recipe recipe;

  AutoencoderStage(Recipe recipe) {
    this.recipe = recipe;
  }

  @Override
  public String name() {
    return "autoencoder";
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    if (Files.exists(recipe.result(name()))) {
      return;
    }
    AutoencoderKl autoencoder = MiniArchitecture.autoencoder();
    Vocabulary everything = Vocabulary.of(recipe.corpus().concepts().seen());
    SceneGenerator scenes =
        SceneGenerator.training(Recipe.SEED, recipe.corpus(), everything, SceneConfig.training());
    SceneBatches batches = new SceneBatches(scenes, BATCH, MiniArchitecture.CANVAS);
    InitialWeights start = new InitialWeights(autoencoder.params(), Recipe.SEED);
    try (TorchSession session = new TorchEngine().open(start);
        AdamW optimizer =
            new AdamW(
                session,
                new AdamW.Config(0.9, 0.99, 1e-8, 1),
                List.of(new ParameterGroup("", 1e-3, 0.01)),
                Set.of())) {
      session.trainable(parameter -> true);
      TrainingLoop.Plan plan =
          new TrainingLoop.Plan(
              name(),
              "autoencoder 1",
              STEPS,
              Recipe.SEED,
              new LearningRateSchedule(50, STEPS, 0.02),
              recipe.checkpoints(name()),
              250);
      new TrainingLoop(session, optimizer, plan)
          .run(new AutoencoderTask(autoencoder, batches), listener, cancellation);
      whiten(session, autoencoder, batches);
      SessionWeights.of(session).write(recipe.result(name()));
    }
  }

  private static void whiten(
      TorchSession session, AutoencoderKl autoencoder, SceneBatches batches) {
    Whitening whitening = new Whitening(autoencoder.config().latentChannels());
    for (int i = 0; i < WHITENING_BATCHES; i++) {
      try (TorchScope scope = session.scope()) {
        float[] pixels = AutoencoderTask.centred(batches.batch(STEPS + i).pixels());
        AutoencoderKl.Moments moments =
            autoencoder.encode(scope, scope.floats(pixels, batches.shape()));
        long[] shape = moments.mean().shape();
        whitening.add(
            moments.mean().floats(), moments.logvar().floats(), (int) (shape[2] * shape[3]));
      }
    }
    whitening.fold(session, MiniArchitecture.AUTOENCODER);
  }
}
