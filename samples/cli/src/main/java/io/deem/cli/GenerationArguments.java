package io.deem.cli;

import io.deem.GenerationOptions;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How texts are generated. */
final class GenerationArguments {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens of a text.")
  private Integer maxTokens;

  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens before which no text ends; by default ${DEFAULT-VALUE}.")
  private int minTokens;

  @Option(
      names = "--beams",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Texts that beam search follows; by default ${DEFAULT-VALUE}, the likeliest token at each"
              + " place. The paper describes with 5 and answers with 3.")
  private int beams;

  @Option(
      names = "--length-penalty",
      paramLabel = "P",
      defaultValue = "1",
      description = "Above 0 beam search favours long texts; by default ${DEFAULT-VALUE}.")
  private double lengthPenalty;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "P",
      defaultValue = "1",
      description = "Above 1 for fewer repetitions; by default ${DEFAULT-VALUE}.")
  private double repetitionPenalty;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "Above 0 tokens are drawn by chance; by default ${DEFAULT-VALUE}.")
  private double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Tokens are drawn from the likeliest of this probability, by default all.")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the draws; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "A text before which the text is cut; may be given several times.")
  private List<String> stop = List.of();

  /**
   * The options that were asked for.
   *
   * @param mostTokens if nothing was said
   */
  GenerationOptions options(int mostTokens) {
    try {
      return new GenerationOptions(
          maxTokens == null ? mostTokens : maxTokens,
          minTokens,
          beams,
          lengthPenalty,
          repetitionPenalty,
          temperature,
          topP,
          seed,
          stop);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
