package io.deem.cli;

import io.deem.model.DeemConfig;
import io.deem.model.FullSize;
import io.deem.model.ModelFolder;
import io.deem.runtime.gpu.proof.GpuProof;
import io.deem.runtime.gpu.proof.ProofReplay;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes what shows on a GPU elsewhere that the same is computed there. */
@Command(
    name = "gpu-proof",
    description = {
      "Write a folder that checks and times on a GPU elsewhere what is computed here.",
      "It holds every script that a GPU would run for the fixtures, what the scripts are given and what must come "
          + "out, and the steps of a full-size model with shapes alone; there, 'python3 gpu_proof.py' needs "
          + "PyTorch and nothing else."
    })
final class GpuProofCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "OUT", description = "The folder; made, or empty.")
  private Path out;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "FIXTURE",
      description = "Folders of fixtures, as for 'deem verify'.")
  private List<Path> fixtures;

  @Option(
      names = "--model",
      paramLabel = "FOLDER",
      description = "Time the size of this model; by default the paper's.")
  private Path model;

  @Option(
      names = "--no-replay",
      description = "Do not play the folder here, on this processor, after writing it.")
  private boolean noReplay;

  @Override
  public Integer call() throws IOException {
    PrintWriter lines = spec.commandLine().getOut();
    GpuProof.write(out, fixtures, architecture(), lines::println);
    boolean ok = true;
    for (boolean low : noReplay ? new boolean[0] : new boolean[] {false, true}) {
      ok &= ProofReplay.run(out, low, line -> print(lines, line, low));
    }
    return ok ? 0 : 1;
  }

  /** The failures and the count; thousands of lines are of no use here. */
  private static void print(PrintWriter lines, String line, boolean low) {
    if (line.endsWith("FAIL")) {
      lines.println(line);
    } else if (line.endsWith(" failed")) {
      lines.println("played here in " + (low ? "bf16" : "fp32") + ": " + line);
    }
  }

  private DeemConfig architecture() throws IOException {
    if (model == null) {
      return FullSize.architecture();
    }
    try (ModelFolder folder = ModelFolder.open(model)) {
      return folder.description().architecture();
    }
  }
}
