package io.deem.cli;

import io.deem.lora.AdapterFile;
import io.deem.model.ModelFolder;
import io.deem.text.TokenizerFile;
import io.deem.weights.ElementType;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes one model of a model and adapters. */
@Command(
    name = "merge",
    description = {
      "Make a model of a model and the low-rank adapters that were trained on it:",
      "each adapted matrix becomes W + (alpha / rank) B A."
    })
final class MergeCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "The model's folder.")
  private Path model;

  @Parameters(
      index = "1",
      paramLabel = "ADAPTERS",
      description = "The file adapters.safetensors of a training.")
  private Path adapters;

  @Parameters(
      index = "2",
      paramLabel = "FOLDER",
      description = "Where the merged model goes; must not be there yet.")
  private Path folder;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(folder)) {
      throw new IOException(folder + ": is there already; choose another folder");
    }
    try (ModelFolder base = ModelFolder.open(model);
        AdapterFile file = AdapterFile.open(adapters)) {
      TensorSource merged = file.mergedInto(base.weights());
      ModelFolder.Description parent = base.description();
      Map<String, String> provenance = new TreeMap<>();
      provenance.put("parent", parent.name());
      provenance.put("adapters", adapters.getFileName().toString());
      parent.provenance().forEach((name, value) -> provenance.put("parent." + name, value));
      ModelFolder.write(
          folder,
          new ModelFolder.Description(
              parent.name(),
              parent.architecture(),
              parent.prompts(),
              parent.headTied(),
              provenance),
          merged,
          ElementType.F32,
          TokenizerFile.read(model));
    }
    spec.commandLine().getOut().println(folder + ": written");
    return 0;
  }
}
