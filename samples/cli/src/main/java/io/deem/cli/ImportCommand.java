package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.imports.ImportReport;
import io.deem.imports.OriginalDeem;
import io.deem.imports.Originals;
import io.deem.model.ModelPart;
import io.deem.training.InitialDeem;
import io.deem.weights.ElementType;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Makes a model folder of original weights. */
@Command(
    name = "import",
    description = {
      "Make a model of original weights: safetensors, or PyTorch's .bin files, in shards or not.",
      "Modules that no checkpoint has start as the paper's do before their training."
    })
final class ImportCommand implements Callable<Integer> {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  @ParentCommand private DeemCommand parent;
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FOLDER", description = "Where the model goes; must not be there yet.")
  private Path folder;

  @Option(
      names = "--llama",
      required = true,
      paramLabel = "FOLDER",
      description = "A LLaMA or Vicuna: config.json, tokenizer.json and weights.")
  private Path llama;

  @Option(
      names = "--encoder",
      paramLabel = "FILE",
      description = {
        "An open_clip ConvNeXt, or a CLIP ViT of transformers or open_clip with its config beside",
        "it, or the folder of either; not needed if --deem-state has an encoder."
      })
  private Path encoder;

  @Option(
      names = "--stable-diffusion",
      required = true,
      paramLabel = "FOLDER",
      description = "A Stable Diffusion 2.1 with unet/, vae/ and scheduler/.")
  private Path stableDiffusion;

  @Option(
      names = "--deem-state",
      paramLabel = "FILE",
      description = "The state of a trained DEEM, pytorch_model.bin; wins over all others.")
  private Path state;

  @Option(
      names = "--architecture",
      paramLabel = "FILE",
      description = "A deem.json whose architecture and prompts to use, not the paper's.")
  private Path architecture;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "The model's name; by default its folder's.")
  private String name;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Seed of new modules; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--bf16",
      description = "Round weights to bf16, which halves the model; by default nothing is lost.")
  private boolean bf16;

  @Override
  public Integer call() throws IOException {
    Originals originals =
        new Originals(
            llama,
            Optional.ofNullable(encoder),
            stableDiffusion,
            Optional.ofNullable(state),
            Optional.ofNullable(architecture));
    try (OriginalDeem original = OriginalDeem.open(originals)) {
      InitialDeem initial = new InitialDeem(original.network(), seed);
      Path place = folder.toAbsolutePath().normalize().getFileName();
      String title = name != null ? name : String.valueOf(place);
      original.write(folder, title, initial.weights(), bf16 ? ElementType.BF16 : ElementType.F32);
      PrintWriter out = spec.commandLine().getOut();
      if (parent.json()) {
        out.println(GSON.toJson(json(original.report())));
      } else {
        print(original.report(), out);
      }
    }
    return 0;
  }

  private JsonObject json(ImportReport report) {
    JsonObject json = new JsonObject();
    json.addProperty("model", folder.toString());
    JsonObject parts = new JsonObject();
    report.byPart().forEach((part, count) -> parts.add(part.title(), GSON.toJsonTree(count)));
    json.add("parts", parts);
    json.add("used", list(report.used()));
    json.add("missing", list(report.missing()));
    json.add("leftOver", list(report.leftOver()));
    return json;
  }

  private static JsonArray list(Iterable<?> entries) {
    JsonArray array = new JsonArray();
    entries.forEach(entry -> array.add(GSON.toJsonTree(entry)));
    return array;
  }

  private static void print(ImportReport report, PrintWriter out) {
    report
        .used()
        .forEach(u -> out.printf("used %s = %s (%s)%n", u.parameter(), u.tensor(), u.file()));
    report.missing().forEach(m -> out.printf("missing %s, starts anew%n", m.parameter()));
    report
        .leftOver()
        .forEach(
            l ->
                out.printf(
                    "left over %s (%s)%s%n",
                    l.tensor(), l.file(), l.superseded() ? ", another was taken" : ""));
    out.printf("%-20s %8s %16s %8s %14s%n", "part", "used", "numbers", "missing", "numbers");
    for (Map.Entry<ModelPart, ImportReport.PartCount> part : report.byPart().entrySet()) {
      ImportReport.PartCount count = part.getValue();
      out.printf(
          "%-20s %,8d %,16d %,8d %,14d%n",
          part.getKey().title(),
          count.usedTensors(),
          count.usedElements(),
          count.missingTensors(),
          count.missingElements());
    }
    out.printf(
        "%,d used, %,d missing, %,d left over%n",
        report.used().size(), report.missing().size(), report.leftOver().size());
  }
}
