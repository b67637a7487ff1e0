package io.deem.training;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.weights.AtomicFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes down each step of a run: {@code metrics.jsonl}, one JSON object a line, and an event file
 * for TensorBoard. A run that is resumed goes on in the same {@code metrics.jsonl}; steps that were
 * done after the checkpoint, and so are done again, are taken out first.
 */
final class RunLog implements ProgressListener, AutoCloseable {

  /** The name of the file of metrics. */
  static final String METRICS = "metrics.jsonl";

  private final Path folder;
  private final List<Row> rows = new ArrayList<>();
  private FileChannel metrics;
  private TensorBoardWriter events;

  /** A step and what was measured. */
  record Row(long step, Map<String, Double> values) {}

  /** A log in a folder that exists. */
  RunLog(Path folder) {
    this.folder = folder;
  }

  /** Every step so far, those of earlier processes too. */
  List<Row> rows() {
    return List.copyOf(rows);
  }

  /** Reads the steps of earlier processes, up to a step. */
  void load(long lastStep) throws IOException {
    rows.clear();
    Path file = folder.resolve(METRICS);
    if (!Files.exists(file)) {
      return;
    }
    for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
      Row row = parse(line);
      if (row != null && row.step <= lastStep) {
        rows.add(row);
      }
    }
  }

  @Override
  public void onProgress(Progress progress) {
    try {
      if (metrics == null) {
        open(progress.step());
      }
      Map<String, Double> values = new LinkedHashMap<>(progress.metrics());
      values.put("itemsPerSecond", progress.itemsPerSecond());
      Row row = new Row(progress.step(), values);
      rows.add(row);
      write(row);
      events.scalars(row.step, System.currentTimeMillis() / 1000.0, values);
    } catch (IOException e) {
      throw new UncheckedIOException(
          folder
              + ": the metrics of step "
              + progress.step()
              + " cannot be written: "
              + e.getMessage(),
          e);
    }
  }

  private void open(long firstStep) throws IOException {
    load(firstStep - 1);
    Path file = folder.resolve(METRICS);
    AtomicFile.write(
        file,
        channel -> {
          for (Row row : rows) {
            put(channel, row);
          }
        });
    metrics = FileChannel.open(file, StandardOpenOption.APPEND);
    events = new TensorBoardWriter(folder, firstStep, System.currentTimeMillis() / 1000.0);
  }

  private void write(Row row) throws IOException {
    put(metrics, row);
  }

  private static void put(FileChannel channel, Row row) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("step", row.step);
    row.values.forEach(
        (name, value) -> {
          // JSON has no numbers that are not finite.
          json.addProperty(name, Double.isFinite(value) ? value : null);
        });
    ByteBuffer line = ByteBuffer.wrap((json + "\n").getBytes(StandardCharsets.UTF_8));
    while (line.hasRemaining()) {
      channel.write(line);
    }
  }

  /** A line's step; null for what a process that was killed left half written. */
  private static Row parse(String line) {
    try {
      JsonObject json = JsonParser.parseString(line).getAsJsonObject();
      Map<String, Double> values = new LinkedHashMap<>();
      json.entrySet()
          .forEach(
              entry -> {
                boolean number = entry.getValue().isJsonPrimitive();
                if (!entry.getKey().equals("step")) {
                  values.put(entry.getKey(), number ? entry.getValue().getAsDouble() : Double.NaN);
                }
              });
      return new Row(json.get("step").getAsLong(), values);
    } catch (RuntimeException e) {
      return null;
    }
  }

  @Override
  public void close() throws IOException {
    if (metrics != null) {
      metrics.close();
      events.close();
    }
  }
}
