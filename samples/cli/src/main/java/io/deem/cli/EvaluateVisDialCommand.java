package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.model.ModelFolder;
import io.deem.training.evaluation.VisDial;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Visual Dialog. */
@Command(name = "visdial", description = "Rank the answers that could come next in a dialogue.")
final class EvaluateVisDialCommand implements Callable<Integer> {

  @ParentCommand private EvaluateCommand parent;
  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "DIALOGS", description = "visdial_1.0_val.json")
  private Path dialogs;

  @Parameters(
      index = "1",
      paramLabel = "DENSE",
      description = "visdial_1.0_val_dense_annotations.json")
  private Path dense;

  @Option(
      names = "--images",
      paramLabel = "FOLDER",
      required = true,
      description = "Where the pictures are.")
  private Path images;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "2147483647",
      description = "At most so many; by default all.")
  private int limit;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the intervals; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Override
  public Integer call() throws IOException {
    List<VisDial.Round> rounds = VisDial.read(dialogs, dense, images);
    rounds = rounds.subList(0, Math.min(limit, rounds.size()));
    if (rounds.isEmpty()) {
      throw new IOException(dialogs + ": no dialogue has a round in " + dense);
    }
    VisDial.Result result;
    try (Deem deem = model.open()) {
      result = VisDial.measure(deem.perceiver(), rounds, seed, new Cancellation());
    }
    if (!parent.json()) {
      spec.commandLine()
          .getOut()
          .println(
              String.format(
                  Locale.ROOT,
                  "NDCG %.3f [%.3f, %.3f]  MRR %.3f  r@1 %.3f  r@5 %.3f  r@10 %.3f  mean rank %.1f",
                  result.ndcg().mean(),
                  result.ndcg().low(),
                  result.ndcg().high(),
                  result.sparse().meanReciprocalRank(),
                  result.sparse().recallAt1(),
                  result.sparse().recallAt5(),
                  result.sparse().recallAt10(),
                  result.sparse().meanRank()));
      return 0;
    }
    JsonObject json = new JsonObject();
    json.addProperty("model", ModelFolder.describe(model.folder()).name());
    json.addProperty("n", rounds.size());
    json.addProperty("ndcg", result.ndcg().mean());
    json.addProperty("low", result.ndcg().low());
    json.addProperty("high", result.ndcg().high());
    json.addProperty("mrr", result.sparse().meanReciprocalRank());
    json.addProperty("r@1", result.sparse().recallAt1());
    json.addProperty("r@5", result.sparse().recallAt5());
    json.addProperty("r@10", result.sparse().recallAt10());
    json.addProperty("meanRank", result.sparse().meanRank());
    spec.commandLine().getOut().println(json);
    return 0;
  }
}
