package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.deem.graph.Engine;
import io.deem.onnx.OnnxEngine;
import io.deem.torch.TorchEngine;
import io.deem.verify.Comparison;
import io.deem.verify.Report;
import io.deem.verify.Verification;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Compares this build's numbers with stored ones. */
@Command(
    name = "verify",
    description = {
      "Compute the numbers stored in fixture folders again, with each engine, and compare.",
      "One line for each: name engine maxAbs maxRel ok|FAIL. The exit code is 1 if any differs."
    })
final class VerifyCommand implements Callable<Integer> {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  @ParentCommand private DeemCommand parent;
  @Spec private CommandSpec spec;

  @Parameters(arity = "1..*", paramLabel = "FOLDER", description = "Folders of fixtures.")
  private List<Path> folders;

  @Option(
      names = "--tolerance",
      paramLabel = "FACTOR",
      defaultValue = "1",
      description = "Multiplies every tolerance; by default ${DEFAULT-VALUE}.")
  private double tolerance;

  @Option(
      names = "--engine",
      paramLabel = "ENGINE",
      defaultValue = "libtorch,onnxruntime",
      split = ",",
      description = {
        "What computes: ${COMPLETION-CANDIDATES}; by default ${DEFAULT-VALUE}.",
        "Only libtorch computes gradients."
      })
  private List<EngineKind> kinds;

  /** The engines, by the names of the libraries that they run on. */
  private enum EngineKind {
    libtorch {
      @Override
      Engine engine() {
        return new TorchEngine();
      }
    },
    onnxruntime {
      @Override
      Engine engine() {
        return new OnnxEngine();
      }
    };

    abstract Engine engine();
  }

  @Override
  public Integer call() throws IOException {
    if (!(tolerance > 0 && tolerance < Double.POSITIVE_INFINITY)) {
      throw new ParameterException(
          spec.commandLine(), "--tolerance must be more than 0, not " + tolerance);
    }
    PrintWriter out = spec.commandLine().getOut();
    List<Engine> engines = kinds.stream().map(EngineKind::engine).toList();
    boolean ok = true;
    for (Path folder : folders) {
      Report report =
          Verification.run(folder, engines, tolerance, parent.json() ? line -> {} : out::println);
      if (parent.json()) {
        report.comparisons().forEach(each -> out.println(GSON.toJson(json(folder, each))));
      }
      ok &= report.ok();
    }
    return ok ? 0 : 1;
  }

  private static JsonObject json(Path folder, Comparison comparison) {
    JsonObject json = new JsonObject();
    json.addProperty("fixture", folder.toString());
    json.addProperty("name", comparison.name());
    json.addProperty("engine", comparison.engine());
    // JSON has no NaN; a number that cannot be told is left out.
    if (Double.isFinite(comparison.maxAbs()) && Double.isFinite(comparison.maxRel())) {
      json.addProperty("maxAbs", comparison.maxAbs());
      json.addProperty("maxRel", comparison.maxRel());
    }
    json.addProperty("ok", comparison.ok());
    json.addProperty("note", comparison.note());
    return json;
  }
}
