package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.Image;
import io.deem.mini.Concept;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.EmojiStyle;
import io.deem.mini.SceneBenchmark;
import io.deem.mini.SceneBenchmark.Asked;
import io.deem.mini.SceneBenchmark.Kind;
import io.deem.mini.Vocabulary;
import io.deem.model.ModelFolder;
import io.deem.training.evaluation.Answered;
import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.KindResult.Counting;
import io.deem.training.evaluation.Questioner;
import io.deem.training.evaluation.Scorer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Measures a model on generated scenes of an art style. */
@Command(
    name = "scenes",
    description = {
      "Ask about generated scenes of an art style: what is there, how many, which colour, where,"
          + " which way up, and minimal pairs of scenes.",
      "Scenes and questions are decided by the seed. Accuracy is by option probability; what the"
          + " model writes is scored beside it."
    })
final class EvaluateScenesCommand implements Callable<Integer> {

  @ParentCommand private EvaluateCommand parent;
  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Option(
      names = "--concepts",
      paramLabel = "FILE",
      required = true,
      description = "The concepts, one JSON object a line (concepts.jsonl).")
  private Path concepts;

  @Option(
      names = "--style",
      paramLabel = "TAR",
      required = true,
      description = "The style's pictures, ID.png and ID.json in a tar file.")
  private Path style;

  @Option(
      names = "--vocabulary",
      paramLabel = "FILE",
      description =
          "Ids of the concepts to show and to name, one a line; by default those that the model"
              + " was trained on, or if it does not say, all that training may see.")
  private Path vocabulary;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Decides scenes and questions; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--scenes",
      paramLabel = "N",
      defaultValue = "300",
      description = "Scenes for each kind of question; by default ${DEFAULT-VALUE}.")
  private int scenes;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write a report with plots and wrong answers, as one HTML file.")
  private Path report;

  @Option(names = "--no-writing", description = "Score options only, which takes half the time.")
  private boolean noWriting;

  @Override
  public Integer call() throws IOException {
    if (scenes < 1 || scenes > 100_000) {
      throw new ParameterException(
          spec.commandLine(), "--scenes must be from 1 to 100000, not " + scenes);
    }
    EmojiCorpus corpus = EmojiCorpus.openStyle(concepts, style);
    EmojiStyle shown = corpus.styles().iterator().next();
    ModelFolder.Description description = ModelFolder.describe(model.folder());
    List<Concept> known =
        new TrainedConcepts(corpus.concepts()).of(description.provenance(), vocabulary);
    if (known.size() < 8) {
      throw new IOException(
          style + ": has pictures of " + known.size() + " of the concepts; at least 8 are needed");
    }
    int canvas = Math.max(16, Math.min(1024, description.architecture().imageSize()));
    SceneBenchmark benchmark =
        new SceneBenchmark(corpus, shown, Vocabulary.of(known), canvas, seed);
    EvaluationOutput output =
        new EvaluationOutput(
            spec.commandLine().getOut(),
            parent.json(),
            report,
            description.name() + " on scenes of " + shown.id(),
            List.of(
                "seed " + seed + ", version " + SceneBenchmark.VERSION,
                known.size() + " concepts, " + scenes + " scenes for each kind of question",
                "pairs count only if both of their questions are answered right"),
            seed);
    try (Deem deem = model.open()) {
      Questioner questioner = new Questioner(deem.perceiver(), Scorer.EXTRACTED, !noWriting);
      for (Kind kind : Kind.values()) {
        measure(questioner, benchmark, kind, output);
      }
    }
    JsonObject head = new JsonObject();
    head.addProperty("model", description.name());
    head.addProperty("style", shown.id());
    head.addProperty("seed", seed);
    head.addProperty("version", SceneBenchmark.VERSION);
    head.addProperty("concepts", known.size());
    head.addProperty("scenes", scenes);
    output.end(head);
    return 0;
  }

  private void measure(
      Questioner questioner, SceneBenchmark benchmark, Kind kind, EvaluationOutput output)
      throws IOException {
    List<Item> items = new ArrayList<>();
    for (Asked asked : benchmark.ask(kind, scenes)) {
      Image image =
          Image.ofRgb(asked.picture().width(), asked.picture().height(), asked.picture().rgb());
      items.add(
          new Item(
              kind.id() + " " + items.size(),
              kind.id(),
              Integer.toString(asked.group()),
              () -> image,
              asked.question().text(),
              asked.question().options(),
              List.of(asked.question().answer())));
    }
    if (items.isEmpty()) {
      spec.commandLine().getErr().println(kind.id() + ": this style allows no such question");
      return;
    }
    List<Answered> answers = questioner.ask(items, progress -> {}, new Cancellation());
    output.add(kind.id(), answers, kind == Kind.PAIRS ? Counting.GROUPS : Counting.QUESTIONS);
  }
}
