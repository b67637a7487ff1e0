package io.deem;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a training went.
 *
 * @param stage that was trained
 * @param model folder of the trained model
 * @param steps done in all
 * @param resumedAt steps that were done before, in an earlier process
 * @param skipped steps without an update, because a loss or gradient was not finite
 * @param broken items of the data that could not be read, each with its reason
 * @param before metrics of the first step
 * @param after metrics of the last step
 * @param bestCheckpoint the checkpoint of the lowest validation loss, if there is held-out data
 * @param duration of this process's share
 * @param html the report as a page that needs no other file
 * @param json the report for machines
 */
public record TrainingReport(
    Stage stage,
    Path model,
    long steps,
    long resumedAt,
    List<Long> skipped,
    List<String> broken,
    Map<String, Double> before,
    Map<String, Double> after,
    Optional<Path> bestCheckpoint,
    Duration duration,
    String html,
    String json) {

  public TrainingReport {
    skipped = List.copyOf(skipped);
    broken = List.copyOf(broken);
    before = Map.copyOf(before);
    after = Map.copyOf(after);
  }

  /**
   * Writes the report.
   *
   * @param file ending in {@code .json} for machines; anything else gets the page
   */
  public void save(Path file) throws IOException {
    boolean machine = file.getFileName().toString().endsWith(".json");
    Files.write(file, (machine ? json : html).getBytes(StandardCharsets.UTF_8));
  }
}
