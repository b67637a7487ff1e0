package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.model.ModelFolder;
import io.deem.training.evaluation.Answered;
import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.KindResult.Counting;
import io.deem.training.evaluation.Questioner;
import io.deem.training.evaluation.Scorer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** What the benchmarks of questions share: they read the questions, ask them and print. */
abstract class BenchmarkCommand implements Callable<Integer> {

  @ParentCommand private EvaluateCommand parent;
  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write a report with plots and wrong answers, as one HTML file.")
  private Path report;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Decides what is drawn, and the intervals; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "2147483647",
      description = "Ask at most so many questions; by default all.")
  private int limit;

  /** The benchmark's name. */
  abstract String name();

  /** The questions. */
  abstract List<Item> items() throws IOException;

  /** How written answers are scored. */
  Scorer scorer() {
    return Scorer.EXTRACTED;
  }

  /** What counts as one. */
  Counting counting() {
    return Counting.QUESTIONS;
  }

  final long seed() {
    return seed;
  }

  final int limit() {
    return limit;
  }

  final CommandSpec spec() {
    return spec;
  }

  @Override
  public final Integer call() throws IOException {
    List<Item> items = items();
    items = items.subList(0, Math.min(limit, items.size()));
    if (items.isEmpty()) {
      throw new IOException(name() + ": there are no questions");
    }
    ModelFolder.Description description = ModelFolder.describe(model.folder());
    EvaluationOutput output =
        new EvaluationOutput(
            spec.commandLine().getOut(),
            parent.json(),
            report,
            description.name() + " on " + name(),
            List.of(items.size() + " questions", "seed " + seed),
            seed);
    try (Deem deem = model.open()) {
      Questioner questioner = new Questioner(deem.perceiver(), scorer(), true);
      List<Answered> answers = questioner.ask(items, progress -> {}, new Cancellation());
      Map<String, List<Answered>> byKind = new LinkedHashMap<>();
      for (Answered answered : answers) {
        byKind.computeIfAbsent(answered.item().kind(), kind -> new ArrayList<>()).add(answered);
      }
      byKind.forEach((kind, ofKind) -> output.add(kind, ofKind, counting()));
      if (byKind.size() > 1) {
        output.add("all", answers, counting());
      }
    }
    JsonObject head = new JsonObject();
    head.addProperty("model", description.name());
    head.addProperty("benchmark", name());
    head.addProperty("seed", seed);
    output.end(head);
    return 0;
  }
}
