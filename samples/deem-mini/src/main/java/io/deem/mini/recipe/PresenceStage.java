package io.deem.mini.recipe;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.mini.DeemMini;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Questions;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.text.Tokenizer;
import io.deem.text.TokenizerFile;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;

/** Measures the result of a stage in every style, those that training never saw included. */
final class PresenceStage implements Stage {

  /** Names the weights in the artifact, in place of a stage. */
  static final String SHIPPED = "deem-mini";

  private static final int SCENES = 500;

  private final Recipe recipe;
  private final String measured;

  PresenceStage(Recipe recipe, String measured) {
    this.recipe = recipe;
    this.measured = measured;
  }

  @Override
  public String name() {
    return "measure-" + measured;
  }

  @Override
  public void run(ProgressListener listener, Cancellation cancellation) throws IOException {
    if (measured.equals(SHIPPED)) {
      try (ModelFolder model = ModelFolder.open(DeemMini.folder())) {
        measure(model.weights());
      }
      return;
    }
    if (!Files.exists(recipe.result(measured))) {
      throw new IOException(recipe.result(measured) + " is not there to be measured");
    }
    try (SafetensorsFile weights = SafetensorsFile.open(recipe.result(measured))) {
      measure(weights);
    }
  }

  private void measure(TensorSource weights) throws IOException {
    Labels labels = Labels.read(recipe);
    DeemNetwork network = MiniArchitecture.network();
    TokenizerFile file =
        TokenizerFile.read(recipe.data().resolve("stories15M"))
            .withAddedTokens(DeemStage.addedTokens());
    try (Tokenizer tokenizer = Tokenizer.open(file);
        TorchSession session = new TorchEngine().open(weights)) {
      PresenceTest test =
          new PresenceTest(
              network,
              new MiniText(tokenizer, network.config().special()),
              (int) tokenizer.encodeWithoutBegin("yes")[0],
              (int) tokenizer.encodeWithoutBegin("no")[0]);
      for (EmojiStyle style : EmojiStyle.values()) {
        EmojiCorpus corpus = EmojiCorpus.open(recipe.data().resolve("emoji"), style);
        SceneGenerator scenes =
            SceneGenerator.evaluation(
                Recipe.SEED, corpus, style, labels.vocabulary(), SceneConfig.standard());
        Questions questions = new Questions(labels.vocabulary(), Recipe.SEED);
        System.out.println(
            measured + " " + style.id() + ": " + test.run(session, scenes, questions, SCENES));
      }
    }
  }
}
