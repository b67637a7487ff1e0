package io.deem.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.deem.Precision;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.runtime.cpu.OnnxSessions;
import io.deem.training.evaluation.EncoderFeatures;
import io.deem.training.evaluation.Interval;
import io.deem.training.evaluation.LabelledFolder;
import io.deem.training.evaluation.LinearProbe;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** A linear probe of the image encoder. */
@Command(
    name = "probe",
    description = {
      "Train a linear classifier on what the image encoder sees, and test it on other pictures:",
      "what the encoder tells apart, without the language model.",
      "A folder has a folder of pictures for each class, named after it."
    })
final class EvaluateProbeCommand implements Callable<Integer> {

  private static final int REPORTED_EVERY = 500;

  @ParentCommand private EvaluateCommand parent;
  @Mixin private ModelOptions model;
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "FOLDER",
      description = "Labelled pictures to test on, each folder for itself.")
  private List<Path> tests;

  @Option(
      names = "--train",
      paramLabel = "FOLDER",
      required = true,
      description = "Labelled pictures to train the classifier on.")
  private Path train;

  @Option(
      names = "--penalty",
      paramLabel = "NUMBER",
      defaultValue = "0.01",
      description = "On the squares of the classifier's weights; by default ${DEFAULT-VALUE}.")
  private double penalty;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the intervals; by default ${DEFAULT-VALUE}.")
  private long seed;

  @Override
  public Integer call() throws IOException {
    if (!(penalty > 0)) {
      throw new ParameterException(
          spec.commandLine(), "--penalty must be more than 0, not " + penalty);
    }
    LabelledFolder known = LabelledFolder.read(train);
    Map<Path, LabelledFolder> asked = new LinkedHashMap<>();
    for (Path test : tests) {
      LabelledFolder folder = LabelledFolder.read(test);
      for (String name : folder.classes()) {
        if (!known.classes().contains(name)) {
          throw new IOException(test + ": the class '" + name + "' is not in " + train);
        }
      }
      asked.put(test, folder);
    }
    JsonArray results = new JsonArray();
    try (ModelFolder folder = ModelFolder.open(model.folder());
        Session session =
            OnnxSessions.open(folder, model.options().withPrecision(Precision.FP32))) {
      EncoderFeatures encoder = new EncoderFeatures(session, folder.network());
      LinearProbe probe =
          LinearProbe.train(
              features(encoder, train, known),
              labels(known, known.classes()),
              known.classes().size(),
              penalty);
      for (Map.Entry<Path, LabelledFolder> test : asked.entrySet()) {
        float[][] features = features(encoder, test.getKey(), test.getValue());
        int[] labels = labels(test.getValue(), known.classes());
        double[] right = new double[labels.length];
        for (int i = 0; i < right.length; i++) {
          right[i] = probe.classify(features[i]) == labels[i] ? 1 : 0;
        }
        results.add(result(test.getKey(), Interval.ofMean(right, seed), right.length));
      }
    }
    if (parent.json()) {
      JsonObject json = new JsonObject();
      json.addProperty("model", ModelFolder.describe(model.folder()).name());
      json.addProperty("benchmark", "probe");
      json.addProperty("train", known.pictures().size());
      json.addProperty("classes", known.classes().size());
      json.add("results", results);
      spec.commandLine().getOut().println(json);
    }
    return 0;
  }

  private float[][] features(EncoderFeatures encoder, Path folder, LabelledFolder of)
      throws IOException {
    PrintWriter progress = spec.commandLine().getErr();
    List<LabelledFolder.Picture> pictures = of.pictures();
    float[][] features = new float[pictures.size()][];
    for (int i = 0; i < features.length; i++) {
      features[i] = encoder.of(pictures.get(i).image().read());
      if ((i + 1) % REPORTED_EVERY == 0) {
        progress.printf(Locale.ROOT, "%s: %d of %d seen%n", folder, i + 1, features.length);
      }
    }
    return features;
  }

  private static int[] labels(LabelledFolder folder, List<String> classes) {
    return folder.pictures().stream().mapToInt(each -> classes.indexOf(each.label())).toArray();
  }

  private JsonObject result(Path folder, Interval accuracy, int count) {
    String name = folder.toAbsolutePath().normalize().getFileName().toString();
    if (!parent.json()) {
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "%-21s %5d  %5.1f %% [%5.1f, %5.1f]%n",
              name,
              count,
              100 * accuracy.mean(),
              100 * accuracy.low(),
              100 * accuracy.high());
    }
    JsonObject entry = new JsonObject();
    entry.addProperty("kind", name);
    entry.addProperty("n", count);
    entry.addProperty("accuracy", accuracy.mean());
    entry.addProperty("low", accuracy.low());
    entry.addProperty("high", accuracy.high());
    return entry;
  }
}
