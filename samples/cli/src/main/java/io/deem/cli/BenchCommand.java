package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.deem.bench.Bench;
import io.deem.bench.Figure;
import io.deem.bench.Request;
import io.deem.bench.Shape;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Measures this machine, and what runs on it. */
@Command(
    name = "bench",
    description = {
      "Measure how fast this machine reads memory and multiplies matrices,",
      "and how near to that the given subjects get.",
      "With --json, one array of {name, shape, precision, threads, value, unit, limitName,"
          + " limitValue, ratio}."
    })
final class BenchCommand implements Callable<Integer> {

  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();

  @ParentCommand private DeemCommand parent;
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "SUBJECT",
      description =
          "What to measure: decode, prefill, encode, imagine, caption or train; without any, the"
              + " machine's limits alone.")
  private List<String> subjects = List.of();

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      description =
          "A model folder, or llama-1.1b, vicuna-7b, convnext-b-256, sd21-unet-512, deem-100m.")
  private String shape;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      arity = "1..*",
      split = ",",
      description =
          "fp32, int8 or int4, or several of them; fp32 or bf16 for train; by default fp32.")
  private List<String> precisions = List.of("fp32");

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads for one computation; 0, the default, for one a processor.")
  private int threads;

  @Override
  public Integer call() throws IOException {
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be at least 0, not " + threads);
    }
    for (String precision : precisions) {
      if (!List.of("fp32", "bf16", "int8", "int4").contains(precision)) {
        throw new ParameterException(
            spec.commandLine(), "--precision is fp32, bf16, int8 or int4, not " + precision);
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    int used = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    List<Figure> figures;
    try {
      Optional<Shape> of = shape == null ? Optional.empty() : Optional.of(Shape.of(shape));
      if (!parent.json()) {
        out.printf(
            "%-28s %-16s %-9s %7s %12s %-9s %s%n",
            "name", "shape", "precision", "threads", "value", "unit", "of limit");
      }
      figures =
          new Bench()
              .measure(
                  subjects,
                  new Request(of, precisions, used, Request.Effort.FULL),
                  parent.json() ? figure -> {} : figure -> print(out, figure));
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
    if (parent.json()) {
      out.println(GSON.toJson(figures));
    }
    return 0;
  }

  private static void print(PrintWriter out, Figure figure) {
    String limit =
        figure.limitName().isEmpty()
            ? ""
            : String.format("%.0f %% of %s", 100 * figure.ratio(), figure.limitName());
    out.printf(
        "%-28s %-16s %-9s %7d %12.1f %-9s %s%n",
        figure.name(),
        figure.shape(),
        figure.precision(),
        figure.threads(),
        figure.value(),
        figure.unit(),
        limit);
    out.flush();
  }
}
