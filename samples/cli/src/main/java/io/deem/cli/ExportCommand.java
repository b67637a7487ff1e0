package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.runtime.cpu.OnnxSessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Writes a model for ONNX Runtime alone. */
@Command(
    name = "export",
    description = {
      "Write a model as a folder that runs with ONNX Runtime alone: a copy of the model",
      "with an ONNX file for each block of its network, which refer to the copied weights.",
      "The runtime named exported opens it, on Android too."
    })
final class ExportCommand implements Callable<Integer> {

  @ParentCommand private DeemCommand parent;
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "The model's folder.")
  private Path model;

  @Parameters(
      index = "1",
      paramLabel = "FOLDER",
      description = "Where the export goes; must not be there yet.")
  private Path folder;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      defaultValue = "fp32",
      description = "What large matrices are computed in: fp32, the default, int8, int4 or auto.")
  private Precision precision;

  @Override
  public Integer call() throws IOException {
    int blocks =
        OnnxSessions.export(model, folder, DeemOptions.defaults().withPrecision(precision));
    if (parent.json()) {
      JsonObject json = new JsonObject();
      json.addProperty("folder", folder.toString());
      json.addProperty("blocks", blocks);
      spec.commandLine().getOut().println(json);
    } else {
      spec.commandLine().getOut().println(folder + ": " + blocks + " blocks");
    }
    return 0;
  }
}
