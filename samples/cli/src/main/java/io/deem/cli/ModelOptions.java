package io.deem.cli;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which model to open, and how. */
final class ModelOptions {

  private static final String VARIABLE = "DEEM_MODEL";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description = "The model's folder; by default what DEEM_MODEL says, else deem-mini.")
  private Path model;

  @Option(
      names = "--runtime",
      paramLabel = "NAME",
      description = "What runs the model, for example cpu; by default the best there is.")
  private String runtime;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads for one computation; 0, the default, for one a processor.")
  private int threads;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      defaultValue = "auto",
      description =
          "What large matrices are computed in: fp32, int8 or int4; auto, the default, by memory"
              + " and measured speed.")
  private Precision precision;

  @Option(
      names = "--engine",
      paramLabel = "NAME",
      description = "What the runtime computes with: onnxruntime or libtorch; by default its best.")
  private String engine;

  /** The folder that was chosen; that of deem-mini, unpacked if need be, if none was. */
  Path folder() throws IOException {
    if (model != null) {
      return model;
    }
    String variable = System.getenv(VARIABLE);
    return variable == null || variable.isBlank() ? DeemMini.folder() : Path.of(variable);
  }

  Deem open() throws IOException {
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be at least 0, not " + threads);
    }
    DeemOptions options =
        DeemOptions.defaults()
            .withThreads(threads)
            .withRuntime(runtime)
            .withPrecision(precision)
            .withEngine(engine);
    return Deem.open(folder(), options);
  }
}
