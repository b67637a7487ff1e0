package io.deem.training;

import io.deem.Stage;
import io.deem.TrainingSettings;
import io.deem.text.prompt.DocumentWriter;
import io.deem.training.data.BatchFormat;
import io.deem.training.data.BatchSource;
import io.deem.training.data.ChecksumDepth;
import io.deem.training.data.DataFormat;
import io.deem.training.data.DataSet;
import io.deem.training.data.Sample;
import io.deem.training.data.Task;
import io.deem.training.data.Tasks;
import io.deem.training.data.Wording;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The data sets of a run, open, and the batches that they make. A data set that mixes kinds of
 * samples takes part once for each kind, in proportion to how many there are of it.
 */
final class TrainingData implements AutoCloseable {

  /** Samples that are looked at to see which kinds there are. */
  private static final int PROBES = 2000;

  /** Larger data sets are told apart by names and lengths of pictures, not by their contents. */
  private static final long LARGE = 50_000;

  /** In the first stage, batches of captions that draw the picture instead. */
  private static final double DRAWING_SHARE = 0.3;

  private final List<DataSet> sets = new ArrayList<>();
  private final List<BatchSource.Part> parts = new ArrayList<>();
  private final Stage stage;
  private final Recipe recipe;

  private TrainingData(Stage stage, Recipe recipe) {
    this.stage = stage;
    this.recipe = recipe;
  }

  /**
   * Opens data sets.
   *
   * @throws IOException if one cannot be read or has nothing to learn from
   */
  static TrainingData open(List<TrainingSettings.Data> all, Stage stage, Recipe recipe)
      throws IOException {
    TrainingData data = new TrainingData(stage, recipe);
    boolean opened = false;
    try {
      for (TrainingSettings.Data each : all) {
        DataSet set =
            DataFormat.of(each.format()).open(each.files(), each.images(), Optional.empty());
        data.sets.add(set);
        data.add(set, each.weight());
      }
      opened = true;
      return data;
    } finally {
      if (!opened) {
        data.close();
      }
    }
  }

  /** The batches, a function of the seed and their number. */
  BatchSource batches(BatchFormat format, long seed) {
    return new BatchSource(parts, format, seed);
  }

  /** The data sets. */
  List<DataSet> sets() {
    return sets;
  }

  /** For each data set its name and checksum. */
  Map<String, String> checksums() throws IOException {
    Map<String, String> checksums = new LinkedHashMap<>();
    for (DataSet set : sets) {
      boolean large = set.size() > LARGE;
      ChecksumDepth depth = large ? ChecksumDepth.LENGTHS : ChecksumDepth.CONTENTS;
      checksums.put(
          checksums.size() + " " + set.name(), (large ? "lengths:" : "") + set.checksum(depth));
    }
    return checksums;
  }

  @Override
  public void close() throws IOException {
    for (DataSet set : sets) {
      set.close();
    }
  }

  /** An item; a broken one, which is counted and named when a batch lacks it, is left out. */
  static Optional<Sample> sample(DataSet set, long index) {
    try {
      return Optional.of(set.sample(index));
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private void add(DataSet set, double weight) throws IOException {
    Map<Class<?>, Integer> kinds = new LinkedHashMap<>();
    long size = set.size();
    int probes = (int) Math.min(size, PROBES);
    int whole = 0;
    for (int i = 0; i < probes; i++) {
      Optional<Sample> sample = sample(set, size * i / probes);
      if (sample.isPresent()) {
        kinds.merge(sample.get().getClass(), 1, Integer::sum);
        whole++;
      }
    }
    if (whole == 0) {
      throw new IOException(set.name() + ": none of its items can be read");
    }
    for (Map.Entry<Class<?>, Integer> kind : kinds.entrySet()) {
      double share = weight * kind.getValue() / whole;
      tasks(kind.getKey())
          .forEach(
              (task, part) ->
                  parts.add(
                      new BatchSource.Part(
                          set, task, share * part, recipe.batch(), recipe.augmentation())));
    }
  }

  /** What is learnt from a kind of samples, and in which proportion. */
  private Map<Task, Double> tasks(Class<?> kind) {
    Wording wording = recipe.wording();
    if (kind == Sample.Caption.class) {
      if (stage != Stage.IMAGE_TEXT_ALIGNMENT) {
        return Map.of(Tasks.captions(wording), 1.0);
      }
      if (wording == Wording.REFERENCE) {
        return Map.of(Tasks.captionedPictures(0.5), 1.0);
      }
      Map<Task, Double> both = new LinkedHashMap<>();
      both.put(Tasks.captions(wording), 1 - DRAWING_SHARE);
      both.put(Tasks.drawing(wording), DRAWING_SHARE);
      return both;
    }
    if (kind == Sample.Question.class) {
      return Map.of(Tasks.questions(wording), 1.0);
    }
    if (kind == Sample.Region.class) {
      return Map.of(Tasks.groundingAndReferring(), 1.0);
    }
    if (kind == Sample.Conversation.class) {
      return Map.of(Tasks.conversations(), 1.0);
    }
    if (kind == Sample.Document.class) {
      return Map.of(Tasks.documents(DocumentWriter.Options.PRETRAINING), 1.0);
    }
    return Map.of(Tasks.pictures(), 1.0);
  }
}
