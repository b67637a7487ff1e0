package io.deem.cli;

import io.deem.Aligner;
import io.deem.Alignment;
import io.deem.AlignmentStrategy;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Aligns a model to images of a new kind. */
@Command(
    name = "align",
    description = {
      "Make a model see pictures of a new kind better, from the pictures alone.",
      "A diffusion model's error, when it is told what the image encoder saw, is the teacher.",
      "Progress goes to standard error; the report is printed and stored in alignment.json."
    })
final class AlignCommand implements Callable<Integer> {

  private static final int REPORT_EVERY = 10;

  @ParentCommand private DeemCommand parent;
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "MODEL", description = "The model's folder.")
  private Path model;

  @Option(
      names = "--images",
      required = true,
      paramLabel = "FOLDER",
      description = "JPEG, PNG, WebP, GIF and BMP files, also in folders within.")
  private Path images;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Where the aligned model goes; must not be there yet.")
  private Path out;

  @Option(
      names = "--strategy",
      paramLabel = "NAME",
      defaultValue = "deem",
      description = {
        "deem: the model's own consistency loss, on encoder and resampler;",
        "diva: class token and half of the local tokens as the condition, on the encoder;",
        "genhancer: a small denoiser from scratch and low-rank adapters of the encoder.",
        "By default ${DEFAULT-VALUE}."
      })
  private String strategy;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "300",
      description = "Steps of the optimiser; by default ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "8",
      description = "Pictures in a step; by default ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--learning-rate",
      paramLabel = "RATE",
      defaultValue = "0",
      description = "Of what is aligned; 0, the default, for the strategy's own.")
  private double learningRate;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of all randomness; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--held-out",
      paramLabel = "SHARE",
      defaultValue = "0.1",
      description = "Of the pictures, to measure on; by default ${DEFAULT-VALUE}.")
  private double heldOut;

  @Option(
      names = "--work",
      paramLabel = "FOLDER",
      description = "For checkpoints, from which a run that was stopped goes on; by default none.")
  private Path work;

  @Mixin private RuntimeOptions runtime;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(out)) {
      throw new IOException(out + ": is there already; choose another folder");
    }
    try (Deem deem = Deem.open(model, runtime.options());
        Alignment alignment = aligner(deem).images(images).align(this::print, new Cancellation())) {
      alignment.save(out);
      PrintWriter lines = spec.commandLine().getOut();
      lines.println(parent.json() ? alignment.report().json() : alignment.report().toString());
    }
    return 0;
  }

  private Aligner aligner(Deem deem) {
    try {
      return deem.aligner()
          .strategy(AlignmentStrategy.named(strategy))
          .steps(steps)
          .batchSize(batch)
          .learningRate(learningRate)
          .seed(seed)
          .heldOut(heldOut)
          .work(work);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void print(Progress progress) {
    if (progress.step() % REPORT_EVERY != 0 && progress.step() != progress.totalSteps()) {
      return;
    }
    Duration left = progress.remaining();
    spec.commandLine()
        .getErr()
        .println(
            String.format(
                Locale.ROOT,
                "%s %d/%d loss %.4f  %.1f pictures/s  %d:%02d left",
                progress.stage(),
                progress.step(),
                progress.totalSteps(),
                progress.metrics().get("loss"),
                progress.itemsPerSecond(),
                left.toMinutes(),
                left.toSecondsPart()));
  }
}
