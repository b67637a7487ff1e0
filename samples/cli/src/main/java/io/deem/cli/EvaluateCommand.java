package io.deem.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Measures a model. */
@Command(
    name = "evaluate",
    description = "Measure what a model sees, with 95 %% intervals.",
    synopsisSubcommandLabel = "BENCHMARK",
    subcommands = {
      EvaluateScenesCommand.class,
      EvaluatePopeCommand.class,
      EvaluateRobustVqaCommand.class,
      EvaluateMmvpCommand.class,
      EvaluateQuestionsCommand.class,
      EvaluateCaptionsCommand.class,
      EvaluateVisDialCommand.class,
      EvaluateProbeCommand.class
    })
final class EvaluateCommand implements Runnable {

  @ParentCommand private DeemCommand parent;
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no benchmark was given");
  }

  boolean json() {
    return parent.json();
  }
}
