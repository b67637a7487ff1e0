package io.deem.cli;

import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.RobustVqa;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** RobustVQA. */
@Command(
    name = "robustvqa",
    description = {
      "Ask about pictures that a contrastive model takes for something else:",
      "the published ones (--images), or those of a folder of your own (--labelled)."
    })
final class EvaluateRobustVqaCommand extends BenchmarkCommand {

  @Parameters(
      paramLabel = "FILE",
      description = {
        "A JSON list of file_name, gt_caption and error_caption;",
        "with --labelled of file_name and prediction, which the model took the picture for."
      })
  private Path file;

  @ArgGroup(multiplicity = "1")
  private Pictures pictures;

  private static final class Pictures {
    @Option(names = "--images", paramLabel = "FOLDER", description = "Where the pictures are.")
    private Path images;

    @Option(
        names = "--labelled",
        paramLabel = "FOLDER",
        description = "Has a folder of pictures for each class, named after it.")
    private Path labelled;
  }

  @Override
  String name() {
    return "robustvqa";
  }

  @Override
  List<Item> items() throws IOException {
    return pictures.labelled == null
        ? RobustVqa.read(file, pictures.images)
        : RobustVqa.build(pictures.labelled, file);
  }
}
