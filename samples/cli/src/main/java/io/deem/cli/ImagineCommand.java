package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.deem.Deem;
import io.deem.DiffusionSampler;
import io.deem.Image;
import io.deem.ImagineOptions;
import io.deem.Perceiver;
import io.deem.Prompt;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Draws what words describe. */
@Command(name = "imagine", description = "Draw what words describe, or what follows pictures.")
final class ImagineCommand implements Callable<Integer> {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  @ParentCommand private DeemCommand parent;
  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "TEXT", description = "For example 'a red bus'.")
  private String text;

  @Option(
      names = {"-o", "--out"},
      required = true,
      paramLabel = "FILE",
      description = "The PNG file to write.")
  private Path output;

  @Option(
      names = {"-i", "--image"},
      paramLabel = "IMAGE",
      description = "A picture that comes before the text; may be given several times.")
  private List<Path> images = List.of();

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "30",
      description = "Steps of denoising, 1 to 1000; by default ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--guidance",
      paramLabel = "SCALE",
      defaultValue = "3.5",
      description = "How far to push towards the words; by default ${DEFAULT-VALUE}.")
  private double guidance;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the noise; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      defaultValue = "DDIM",
      description = "One of ${COMPLETION-CANDIDATES}; by default ${DEFAULT-VALUE}.")
  private DiffusionSampler sampler;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      defaultValue = "0",
      description = "Side of the square picture; by default what the model was trained at.")
  private int size;

  @Option(names = "--progress", description = "Count the steps on standard error.")
  private boolean progress;

  @Override
  public Integer call() throws IOException {
    ImagineOptions options = options();
    Prompt prompt = prompt();
    try (Deem deem = model.open()) {
      Perceiver perceiver = deem.perceiver();
      if (progress) {
        PrintWriter err = spec.commandLine().getErr();
        perceiver =
            perceiver.withProgress(
                each -> err.printf("%s %d of %d%n", each.stage(), each.step(), each.totalSteps()));
      }
      perceiver.imagine(prompt, options).write(output);
    }
    PrintWriter out = spec.commandLine().getOut();
    if (parent.json()) {
      JsonObject json = new JsonObject();
      json.addProperty("text", text);
      json.addProperty("output", output.toString());
      out.println(GSON.toJson(json));
    } else {
      out.println("wrote " + output);
    }
    return 0;
  }

  private Prompt prompt() throws IOException {
    if (text.isBlank()) {
      throw new ParameterException(spec.commandLine(), "TEXT must not be empty");
    }
    Prompt prompt = null;
    for (Path image : images) {
      Image picture = Image.read(image);
      prompt = prompt == null ? Prompt.of(picture) : prompt.image(picture);
    }
    return prompt == null ? Prompt.of(text) : prompt.text(text);
  }

  private ImagineOptions options() {
    try {
      return new ImagineOptions(steps, guidance, seed, sampler, size);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
