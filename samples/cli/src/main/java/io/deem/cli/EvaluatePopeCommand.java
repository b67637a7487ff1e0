package io.deem.cli;

import io.deem.training.data.DataSet;
import io.deem.training.data.DataSets;
import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.Pope;
import io.deem.training.evaluation.Scorer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** POPE. */
@Command(name = "pope", description = "Ask whether things are in pictures that are not (POPE).")
final class EvaluatePopeCommand extends BenchmarkCommand {

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description = "Published questions, a JSON object a line; or, with --build, instances.")
  private List<Path> files;

  @Option(
      names = "--images",
      paramLabel = "FOLDER",
      required = true,
      description = "Where the pictures are.")
  private Path images;

  @Option(
      names = "--build",
      description = "FILE holds COCO instances: build questions, absent things chosen in all ways.")
  private boolean build;

  @Option(
      names = "--pictures",
      paramLabel = "N",
      defaultValue = "500",
      description = "With --build, at most so many pictures; by default ${DEFAULT-VALUE}.")
  private int pictures;

  @Override
  String name() {
    return "pope";
  }

  @Override
  Scorer scorer() {
    return Scorer.POPE;
  }

  @Override
  List<Item> items() throws IOException {
    List<Item> items = new ArrayList<>();
    for (Path file : files) {
      if (!build) {
        items.addAll(Pope.read(file, images, String.valueOf(file.getFileName())));
        continue;
      }
      try (DataSet instances = DataSets.cocoInstances(file, images, true)) {
        for (Pope.Way way : Pope.Way.values()) {
          items.addAll(Pope.build(instances, way, pictures, seed()));
        }
      }
    }
    return items;
  }
}
