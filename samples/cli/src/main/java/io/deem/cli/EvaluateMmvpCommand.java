package io.deem.cli;

import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.KindResult.Counting;
import io.deem.training.evaluation.Mmvp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** MMVP. */
@Command(
    name = "mmvp",
    description = "Ask about pairs of pictures that look alike to CLIP; only whole pairs count.")
final class EvaluateMmvpCommand extends BenchmarkCommand {

  @Parameters(paramLabel = "FILE", description = "The published Questions.csv.")
  private Path file;

  @Option(
      names = "--images",
      paramLabel = "FOLDER",
      required = true,
      description = "Where the pictures are.")
  private Path images;

  @Override
  String name() {
    return "mmvp";
  }

  @Override
  Counting counting() {
    return Counting.GROUPS;
  }

  @Override
  List<Item> items() throws IOException {
    return Mmvp.read(file, images);
  }
}
