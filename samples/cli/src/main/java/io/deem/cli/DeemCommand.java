package io.deem.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The {@code deem} command. Results go to standard output; a failure is one line on standard error
 * and exit code 1, bad usage exit code 2.
 */
@Command(
    name = "deem",
    description =
        "See with a DEEM: describe pictures, answer and talk about them, redraw what was seen, draw"
            + " what words say.",
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    versionProvider = ImplementationVersion.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DescribeCommand.class,
      AskCommand.class,
      ChooseCommand.class,
      RedrawCommand.class,
      FidelityCommand.class,
      ImagineCommand.class,
      ChatCommand.class,
      AlignCommand.class,
      DescribeModelCommand.class,
      EvaluateCommand.class,
      ImportCommand.class,
      BenchCommand.class,
      SoakCommand.class,
      ExportCommand.class,
      TrainCommand.class,
      MergeCommand.class,
      VerifyCommand.class,
      GpuProofCommand.class
    })
public final class DeemCommand implements Runnable {

  private static final int FAILURE = 1;

  @Spec private CommandSpec spec;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Print one JSON object a line.")
  private boolean json;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "Print where a failure came from.")
  private boolean stacktrace;

  private DeemCommand() {}

  /** Runs the command and ends the process. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code = run(out, err, args);
    out.flush();
    err.flush();
    System.exit(code);
  }

  /**
   * Runs the command.
   *
   * @return the exit code: 0, 1 for a failure, 2 for bad usage
   */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    CommandLine line = line(out, err);
    try {
      return line.execute(args);
    } catch (OutOfMemoryError | StackOverflowError | LinkageError e) {
      return ((DeemCommand) line.getCommand()).failure(e, err);
    }
  }

  /** What understands the arguments. */
  static CommandLine line(PrintWriter out, PrintWriter err) {
    DeemCommand command = new DeemCommand();
    return new CommandLine(command)
        .setOut(out)
        .setErr(err)
        .setUsageHelpAutoWidth(true)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(DeemCommand::badUsage)
        .setExecutionExceptionHandler((e, failed, result) -> command.failure(e, err));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command was given");
  }

  /** Whether results are printed for machines. */
  boolean json() {
    return json;
  }

  private static int badUsage(ParameterException e, String[] args) {
    CommandLine line = e.getCommandLine();
    line.getErr().println("deem: " + firstLine(e.getMessage()));
    line.getErr().println("See '" + line.getCommandSpec().qualifiedName() + " --help'.");
    return CommandLine.ExitCode.USAGE;
  }

  private int failure(Throwable e, PrintWriter err) {
    String message = e.getMessage();
    if (message == null || message.isBlank()) {
      message = e.getClass().getSimpleName();
    } else if (e instanceof NoSuchFileException && message.indexOf(':') < 0) {
      message += ": no such file";
    } else if (e instanceof Error) {
      message = e.getClass().getSimpleName() + ": " + message;
    }
    err.println("deem: " + firstLine(message));
    if (stacktrace) {
      e.printStackTrace(err);
    }
    return FAILURE;
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }
}
