package io.deem.cli;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.mini.DeemMini;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model to open, and how. */
final class ModelOptions {

  private static final String VARIABLE = "DEEM_MODEL";

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description = "The model's folder; by default what DEEM_MODEL says, else deem-mini.")
  private Path model;

  @Mixin private RuntimeOptions runtime;

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
    return Deem.open(folder(), options());
  }

  DeemOptions options() {
    return runtime.options().withPrecision(precision).withEngine(engine);
  }
}
