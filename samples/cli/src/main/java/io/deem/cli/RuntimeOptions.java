package io.deem.cli;

import io.deem.DeemOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of every command that opens a model: what runs it, and on how much. */
final class RuntimeOptions {

  private static final double GIBIBYTE = 1L << 30;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--runtime",
      paramLabel = "NAME",
      description = "What runs the model, for example cpu; by default the best there is.")
  private String runtime;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads for one computation; 0, the default, for one a processor.")
  private int threads;

  @Option(
      names = "--device-memory",
      paramLabel = "GIB",
      defaultValue = "0",
      description =
          "The most memory of a GPU that weights may take; the others visit it when they are"
              + " needed. 0, the default, for no limit.")
  private double deviceMemory;

  /** The options as the API takes them. */
  DeemOptions options() {
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads must be at least 0, not " + threads);
    }
    if (!(deviceMemory >= 0)) {
      throw new ParameterException(
          spec.commandLine(), "--device-memory must be at least 0, not " + deviceMemory);
    }
    return DeemOptions.defaults()
        .withRuntime(runtime)
        .withThreads(threads)
        .withDeviceBytes((long) (deviceMemory * GIBIBYTE));
  }
}
