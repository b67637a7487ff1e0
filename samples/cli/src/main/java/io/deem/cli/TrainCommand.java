package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Deem;
import io.deem.MemoryEstimate;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.Stage;
import io.deem.Trainer;
import io.deem.TrainingReport;
import io.deem.TrainingSettings;
import io.deem.training.SaveOnShutdown;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a model on one's own data. */
@Command(
    name = "train",
    description = "Train a model on your own data, in one of the paper's stages.",
    footer = {
      "",
      "DATA is a folder with data.jsonl or pictures alone, or FORMAT:FILE[,FILE]@IMAGES for a"
          + " published layout (llava, coco-captions, vqa, gqa, mmc4, ...); WEIGHT*DATA gives it a"
          + " share of the batches.",
      "The run's folder holds checkpoints, metrics.jsonl, TensorBoard's events, report.html and the"
          + " trained model. Ctrl-C or SIGTERM saves and ends; --resume goes on."
    })
final class TrainCommand implements Callable<Integer> {

  private static final long REPORT_EVERY_NANOS = 5_000_000_000L;

  @Spec private CommandSpec spec;

  @ParentCommand private DeemCommand parent;

  @Parameters(paramLabel = "MODEL", description = "The model's folder; it is not changed.")
  private Path model;

  @Option(
      names = "--stage",
      paramLabel = "STAGE",
      defaultValue = "image-text-alignment",
      description =
          "image-text-alignment, image-text-tuning or mask-text-tuning; by default the first.")
  private String stage;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description = "What to learn from; may be given several times.")
  private List<String> data;

  @Option(
      names = "--validation",
      paramLabel = "DATA",
      description = "Held-out data: the best checkpoint stays, and fidelity is reported.")
  private String validation;

  @Option(names = "--out", paramLabel = "FOLDER", description = "The run's folder.")
  private Path out;

  @Option(
      names = "--recipe",
      paramLabel = "FILE",
      description = "A JSON file with entries of the stage's recipe to replace.")
  private Path recipe;

  @Option(names = "--steps", paramLabel = "N", description = "Steps of the optimiser.")
  private Integer steps;

  @Option(names = "--batch", paramLabel = "N", description = "Samples of one forward pass.")
  private Integer batch;

  @Option(
      names = "--accumulation",
      paramLabel = "N",
      description = "Forward passes of one step of the optimiser.")
  private Integer accumulation;

  @Option(
      names = "--lora",
      paramLabel = "RANK",
      description = {
        "Leave the language model as it is and train low-rank adapters of it;",
        "adapters.safetensors gets them alone, the model has them merged in."
      })
  private Integer lora;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of all randomness; default 0.")
  private long seed;

  @Option(
      names = "--precision",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "auto, fp32 or bf16; auto is bf16 where the processor has instructions for it.")
  private String precision;

  @Option(
      names = "--gradient-checkpointing",
      description = "Take less memory and more time: compute blocks again when they are needed.")
  private boolean gradientCheckpointing;

  @Option(names = "--8bit", description = "Keep the optimiser's moments in 8 bits.")
  private boolean eightBit;

  @Option(
      names = "--checkpoint-every",
      paramLabel = "N",
      defaultValue = "100",
      description = "Steps between checkpoints; by default ${DEFAULT-VALUE}.")
  private int checkpointEvery;

  @Option(
      names = "--keep",
      paramLabel = "N",
      defaultValue = "2",
      description = "Newest checkpoints that stay, besides the best; by default ${DEFAULT-VALUE}.")
  private int keep;

  @Option(
      names = "--redraws",
      paramLabel = "N",
      defaultValue = "4",
      description = "Pictures that the report shows redrawn; by default ${DEFAULT-VALUE}.")
  private int redraws;

  @Option(
      names = "--cache",
      paramLabel = "FOLDER",
      description = {
        "Keep here what frozen parts make of pictures, for later epochs and runs;",
        "worth it where pictures come again and are not varied."
      })
  private Path cache;

  @Option(names = "--resume", description = "Go on with the run that the folder has.")
  private boolean resume;

  @Option(
      names = "--dry-run",
      description = "Train nothing; print the memory that it would take, by part.")
  private boolean dryRun;

  @Mixin private RuntimeOptions runtime;

  @Override
  public Integer call() throws IOException {
    requireOutput();
    try (Deem deem = Deem.open(model, runtime.options())) {
      Trainer trainer = trainer(deem.trainer());
      if (dryRun) {
        print(trainer.estimate());
      } else {
        print(train(trainer));
      }
    }
    return 0;
  }

  private TrainingReport train(Trainer trainer) throws IOException {
    long[] last = new long[1];
    ProgressListener progress = parent.json() ? this::printJson : new Lines();
    try (SaveOnShutdown guard = SaveOnShutdown.guard()) {
      return trainer.train(
          each -> {
            last[0] = each.step();
            progress.onProgress(each);
          },
          guard.cancellation());
    } catch (CancellationException e) {
      throw new IOException(
          out + ": saved at step " + last[0] + " and stopped; go on with --resume", e);
    }
  }

  private void requireOutput() {
    if (out == null && !dryRun) {
      throw new ParameterException(spec.commandLine(), "Missing required option: '--out=FOLDER'");
    }
  }

  private Trainer trainer(Trainer start) {
    try {
      Trainer trainer = start.stage(stage());
      for (String each : data) {
        trainer = trainer.data(DataOption.parse(each));
      }
      trainer = validation == null ? trainer : trainer.validation(DataOption.parse(validation));
      trainer = out == null ? trainer : trainer.output(out);
      trainer = recipe == null ? trainer : trainer.recipe(recipe);
      trainer = steps == null ? trainer : trainer.steps(steps);
      trainer = batch == null ? trainer : trainer.batch(batch);
      trainer = accumulation == null ? trainer : trainer.accumulation(accumulation);
      trainer = lora == null ? trainer : trainer.lora(lora);
      trainer = cache == null ? trainer : trainer.cache(cache);
      return trainer
          .seed(seed)
          .precision(precision())
          .gradientCheckpointing(gradientCheckpointing)
          .eightBitMoments(eightBit)
          .checkpointEvery(checkpointEvery)
          .keepCheckpoints(keep)
          .redraws(redraws)
          .resume(resume);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private Stage stage() {
    return Arrays.stream(Stage.values())
        .filter(each -> each.name().toLowerCase(Locale.ROOT).replace('_', '-').equals(stage))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("there is no stage '" + stage + "'"));
  }

  private TrainingSettings.Precision precision() {
    return Arrays.stream(TrainingSettings.Precision.values())
        .filter(each -> each.name().toLowerCase(Locale.ROOT).equals(precision))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("--precision is auto, fp32 or bf16: " + precision));
  }

  // ---------------------------------------------------------------- output

  private void print(MemoryEstimate estimate) {
    PrintWriter to = spec.commandLine().getOut();
    if (parent.json()) {
      JsonObject json = new JsonObject();
      estimate.parts().forEach(json::addProperty);
      json.addProperty("total", estimate.total());
      to.println(json);
      return;
    }
    for (Map.Entry<String, Long> part : estimate.parts().entrySet()) {
      to.printf(Locale.ROOT, "%-40s %,10.1f MiB%n", part.getKey(), part.getValue() / 1048576.0);
    }
    to.printf(
        Locale.ROOT, "%-40s %,10.1f MiB%n", "together, at the peak", estimate.total() / 1048576.0);
  }

  private void print(TrainingReport report) {
    PrintWriter to = spec.commandLine().getOut();
    if (parent.json()) {
      to.println(report.json());
      return;
    }
    to.printf(
        Locale.ROOT,
        "%s: %d steps%s, loss %.4f to %.4f%n",
        report.stage().title(),
        report.steps(),
        report.resumedAt() > 0 ? " (resumed at " + report.resumedAt() + ")" : "",
        report.before().getOrDefault("loss", Double.NaN),
        report.after().getOrDefault("loss", Double.NaN));
    if (!report.skipped().isEmpty()) {
      to.println("steps skipped, as loss or gradient were not finite: " + report.skipped());
    }
    if (!report.broken().isEmpty()) {
      to.println(
          report.broken().size() + " broken items left out, such as " + report.broken().get(0));
    }
    report.bestCheckpoint().ifPresent(best -> to.println("best checkpoint: " + best));
    to.println("model: " + report.model());
    to.println("report: " + out.resolve("report.html"));
  }

  private void printJson(Progress progress) {
    JsonObject json = new JsonObject();
    json.addProperty("step", progress.step());
    json.addProperty("totalSteps", progress.totalSteps());
    progress
        .metrics()
        .forEach((name, value) -> json.addProperty(name, Double.isFinite(value) ? value : null));
    json.addProperty("itemsPerSecond", progress.itemsPerSecond());
    spec.commandLine().getOut().println(json);
  }

  /** A line every few seconds, and for the first and the last step. */
  private final class Lines implements ProgressListener {

    private long printed = System.nanoTime() - REPORT_EVERY_NANOS;

    @Override
    public void onProgress(Progress progress) {
      boolean end = progress.step() == progress.totalSteps();
      boolean measured = progress.metrics().containsKey("validationLoss");
      if (!end && !measured && System.nanoTime() - printed < REPORT_EVERY_NANOS) {
        return;
      }
      printed = System.nanoTime();
      StringBuilder line = new StringBuilder();
      line.append(
          String.format(
              Locale.ROOT, "%s %d/%d", progress.stage(), progress.step(), progress.totalSteps()));
      for (String name :
          List.of("loss", "text", "image", "consistency", "validationLoss", "fidelityLoss")) {
        Double value = progress.metrics().get(name);
        if (value != null) {
          line.append(String.format(Locale.ROOT, ", %s %.4f", name, value));
        }
      }
      line.append(
          String.format(
              Locale.ROOT,
              ", %.1f samples/s, %d s left",
              progress.itemsPerSecond(),
              progress.remaining().toSeconds()));
      spec.commandLine().getErr().println(line);
    }
  }
}
