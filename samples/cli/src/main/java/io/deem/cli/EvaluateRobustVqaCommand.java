package io.deem.cli;

import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.RobustVqa;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** RobustVQA. */
@Command(
    name = "robustvqa",
    description = "Ask about pictures that a contrastive model takes for something else.")
final class EvaluateRobustVqaCommand extends BenchmarkCommand {

  @Parameters(
      paramLabel = "FILE",
      description = "A JSON list of file_name, gt_caption and error_caption.")
  private Path file;

  @Option(
      names = "--images",
      paramLabel = "FOLDER",
      required = true,
      description = "Where the pictures are.")
  private Path images;

  @Override
  String name() {
    return "robustvqa";
  }

  @Override
  List<Item> items() throws IOException {
    return RobustVqa.read(file, images);
  }
}
