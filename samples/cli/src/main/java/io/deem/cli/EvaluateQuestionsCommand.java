package io.deem.cli;

import io.deem.training.data.DataFormat;
import io.deem.training.data.DataSet;
import io.deem.training.evaluation.DataSetItems;
import io.deem.training.evaluation.Item;
import io.deem.training.evaluation.Scorer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** Questions of any data set, with VQA's accuracy. */
@Command(
    name = "questions",
    description = "Ask the questions of a data set; scored as VQA does, by all its annotators.")
final class EvaluateQuestionsCommand extends BenchmarkCommand {

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description = "The data set's files; of VQA, questions and annotations.")
  private List<Path> files;

  @Option(
      names = "--format",
      paramLabel = "NAME",
      defaultValue = "folder",
      description = "folder (the default), webdataset, vqa, a-okvqa, textvqa or gqa.")
  private String format;

  @Option(
      names = "--images",
      paramLabel = "FOLDER",
      description = "Where the pictures are, if not beside the file.")
  private Path images;

  @Override
  String name() {
    return format;
  }

  @Override
  Scorer scorer() {
    return Scorer.VQA;
  }

  @Override
  List<Item> items() throws IOException {
    try {
      DataSet data =
          DataFormat.of(format).open(files, Optional.ofNullable(images), Optional.empty());
      // Stays open while its pictures are read.
      return DataSetItems.questions(data, limit());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec().commandLine(), e.getMessage(), e);
    }
  }
}
