package io.deem.cli;

import com.google.gson.JsonObject;
import io.deem.Cancellation;
import io.deem.Deem;
import io.deem.model.ModelFolder;
import io.deem.training.data.DataFormat;
import io.deem.training.data.DataSet;
import io.deem.training.evaluation.Bleu;
import io.deem.training.evaluation.CaptionScores;
import io.deem.training.evaluation.Cider;
import io.deem.training.evaluation.DataSetItems;
import io.deem.training.evaluation.Interval;
import io.deem.training.evaluation.RougeL;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Captions against references. */
@Command(
    name = "captions",
    description = "Describe the pictures of a data set; scored by BLEU, ROUGE-L and CIDEr-D.")
final class EvaluateCaptionsCommand implements Callable<Integer> {

  @ParentCommand private EvaluateCommand parent;
  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Parameters(arity = "1..*", paramLabel = "FILE", description = "The data set's files.")
  private List<Path> files;

  @Option(
      names = "--format",
      paramLabel = "NAME",
      defaultValue = "folder",
      description = "folder (the default), webdataset or coco-captions.")
  private String format;

  @Option(
      names = "--images",
      paramLabel = "FOLDER",
      description = "Where the pictures are, if not beside the file.")
  private Path images;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "2147483647",
      description = "At most so many; by default all.")
  private int limit;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the intervals; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Override
  public Integer call() throws IOException {
    List<CaptionScores.Item> items;
    try (DataSet data = open();
        Deem deem = model.open()) {
      items = DataSetItems.captions(deem.perceiver(), data, limit, new Cancellation());
    }
    Map<String, Interval> scores = new LinkedHashMap<>();
    scores.put("BLEU-4", whole(Bleu.of(items).whole()[3]));
    scores.put("ROUGE-L", Interval.ofMean(items.stream().mapToDouble(RougeL::of).toArray(), seed));
    scores.put("CIDEr", Interval.ofMean(Cider.of(items), seed));
    print(items.size(), scores);
    return 0;
  }

  /** BLEU belongs to the whole; captions drawn anew would need it computed anew. */
  private static Interval whole(double value) {
    return new Interval(value, Double.NaN, Double.NaN);
  }

  private DataSet open() throws IOException {
    try {
      return DataFormat.of(format).open(files, Optional.ofNullable(images), Optional.empty());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void print(int count, Map<String, Interval> scores) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("model", ModelFolder.describe(model.folder()).name());
    json.addProperty("n", count);
    for (Map.Entry<String, Interval> score : scores.entrySet()) {
      JsonObject entry = new JsonObject();
      Interval interval = score.getValue();
      entry.addProperty("score", interval.mean());
      if (Double.isFinite(interval.low())) {
        entry.addProperty("low", interval.low());
        entry.addProperty("high", interval.high());
      }
      json.add(score.getKey(), entry);
      if (!parent.json()) {
        spec.commandLine().getOut().println(line(score.getKey(), interval));
      }
    }
    if (parent.json()) {
      spec.commandLine().getOut().println(json);
    }
  }

  private static String line(String name, Interval interval) {
    String score = String.format(Locale.ROOT, "%-8s %.3f", name, interval.mean());
    return Double.isFinite(interval.low())
        ? score + String.format(Locale.ROOT, " [%.3f, %.3f]", interval.low(), interval.high())
        : score;
  }
}
