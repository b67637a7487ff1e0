package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.deem.Deem;
import io.deem.ModelInfo;
import io.deem.model.DeemNetwork;
import io.deem.model.FullSize;
import io.deem.model.ModelFolder;
import io.deem.model.ModelPart;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Says what a model is and where it comes from. */
@Command(
    name = "describe-model",
    description = "Say what a model is: its parts, their sizes, and where it comes from.")
final class DescribeModelCommand implements Callable<Integer> {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  @ParentCommand private DeemCommand parent;
  @Mixin private ModelOptions model;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "A deem.json that has no weights, or " + FullSize.NAME + " for the paper's.")
  private String config;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (config != null) {
      ModelFolder.Description description = description();
      show(describe(description), description);
      return 0;
    }
    ModelFolder.Description description = ModelFolder.describe(model.folder());
    try (Deem deem = model.open()) {
      show(deem.info(), description);
    }
    return 0;
  }

  private ModelFolder.Description description() throws IOException {
    return config.equals(FullSize.NAME)
        ? FullSize.description()
        : ModelFolder.describe(Path.of(config));
  }

  /** The model of a configuration, which nothing runs. */
  private static ModelInfo describe(ModelFolder.Description description) {
    Map<String, Long> counts = new TreeMap<>();
    ModelPart.count(new DeemNetwork(description.architecture()).params())
        .forEach((part, count) -> counts.put(part.title(), count));
    return new ModelInfo(
        description.name(),
        description.architecture().imageSize(),
        "nothing (no weights)",
        counts,
        description.provenance());
  }

  private void show(ModelInfo info, ModelFolder.Description description) {
    String encoder = description.architecture().encoder().title();
    PrintWriter out = spec.commandLine().getOut();
    if (parent.json()) {
      out.println(GSON.toJson(json(info, encoder)));
    } else {
      print(info, encoder, out);
    }
  }

  private static JsonObject json(ModelInfo info, String encoder) {
    JsonObject json = new JsonObject();
    json.addProperty("name", info.name());
    json.addProperty("imageSize", info.imageSize());
    json.addProperty("imageEncoder", encoder);
    json.addProperty("runtime", info.runtime());
    json.add("parameters", GSON.toJsonTree(new TreeMap<>(info.parameters())));
    json.add("provenance", GSON.toJsonTree(new TreeMap<>(info.provenance())));
    return json;
  }

  private static void print(ModelInfo info, String encoder, PrintWriter out) {
    long all = info.parameters().values().stream().mapToLong(Long::longValue).sum();
    out.printf("%s: sees %d x %d pixels%n", info.name(), info.imageSize(), info.imageSize());
    out.printf("image encoder: %s%n", encoder);
    out.printf("runs on %s%n", info.runtime());
    out.printf("%,d parameters%n", all);
    for (Map.Entry<String, Long> part : new TreeMap<>(info.parameters()).entrySet()) {
      out.printf("  %-18s %,14d%n", part.getKey(), part.getValue());
    }
    new TreeMap<>(info.provenance()).forEach((key, value) -> out.printf("%s: %s%n", key, value));
  }
}
