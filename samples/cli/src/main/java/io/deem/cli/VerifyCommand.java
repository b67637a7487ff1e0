package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.deem.graph.Engine;
import io.deem.onnx.OnnxEngine;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.verify.Comparison;
import io.deem.verify.Report;
import io.deem.verify.Verification;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

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
      names = "--precision",
      paramLabel = "BITS",
      defaultValue = "fp32",
      converter = PrecisionName.class,
      description = {
        "The arithmetic of the networks: fp32, fp64 or bf16; by default ${DEFAULT-VALUE}. A number",
        "that misses the tolerance in fp32 and meets it in fp64 was rounded differently; one that",
        "misses it in both is wrong."
      })
  private Precision precision;

  /** Reads the name of a precision, in lower case as engines print it. */
  private static final class PrecisionName implements ITypeConverter<Precision> {
    @Override
    public Precision convert(String name) {
      return Arrays.stream(Precision.values())
          .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(name))
          .findFirst()
          .orElseThrow(
              () -> new TypeConversionException("must be fp32, fp64 or bf16, not " + name));
    }
  }

  @Option(
      names = "--engine",
      paramLabel = "ENGINE",
      split = ",",
      description = {
        "What computes: ${COMPLETION-CANDIDATES}; by default each that has the precision.",
        "Only libtorch computes gradients."
      })
  private List<EngineKind> kinds;

  /** The engines, by the names of the libraries that they run on. */
  private enum EngineKind {
    libtorch {
      @Override
      Engine engine(Precision precision) {
        return new TorchEngine(precision);
      }
    },
    onnxruntime {
      @Override
      Engine engine(Precision precision) {
        return precision == Precision.FP32 ? new OnnxEngine() : null;
      }
    };

    /** The engine, or null if it has no such arithmetic. */
    abstract Engine engine(Precision precision);
  }

  @Override
  public Integer call() throws IOException {
    if (!(tolerance > 0 && tolerance < Double.POSITIVE_INFINITY)) {
      throw new ParameterException(
          spec.commandLine(), "--tolerance must be more than 0, not " + tolerance);
    }
    PrintWriter out = spec.commandLine().getOut();
    List<Engine> engines = engines();
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

  private List<Engine> engines() {
    List<Engine> engines = new ArrayList<>();
    for (EngineKind kind : kinds == null ? List.of(EngineKind.values()) : kinds) {
      Engine engine = kind.engine(precision);
      if (engine != null) {
        engines.add(engine);
      } else if (kinds != null) {
        throw new ParameterException(spec.commandLine(), kind + " computes in fp32 only");
      }
    }
    return engines;
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
