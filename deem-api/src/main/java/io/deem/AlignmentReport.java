package io.deem;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * How an alignment went.
 *
 * @param strategy whose feedback
 * @param seed of all randomness
 * @param steps of the optimiser
 * @param batchSize images in a step
 * @param learningRate of what was aligned
 * @param trainingImages how many were learnt from
 * @param heldOutImages how many fidelity was measured on
 * @param unreadable the images that could not be read, by name
 * @param dataChecksum SHA-256 of all images' contents, in order
 * @param parent the model that was aligned and the SHA-256 of its weights
 * @param movedWeights how many numbers of the model could move
 * @param before fidelity on the held-out images before
 * @param after the same with the resulting weights, as they are stored
 * @param bestStep the step whose weights are the result; 0 if nothing did better than before
 * @param evaluations every measurement, in order
 * @param time that it took since it was last started
 */
public record AlignmentReport(
    AlignmentStrategy strategy,
    long seed,
    int steps,
    int batchSize,
    double learningRate,
    int trainingImages,
    int heldOutImages,
    List<String> unreadable,
    String dataChecksum,
    String parent,
    long movedWeights,
    Fidelity before,
    Fidelity after,
    int bestStep,
    List<Evaluation> evaluations,
    Duration time) {

  /**
   * A measurement on the held-out images.
   *
   * @param step after which it was made
   * @param fidelity the mean of the images' losses
   */
  public record Evaluation(int step, Fidelity fidelity) {}

  public AlignmentReport {
    unreadable = List.copyOf(unreadable);
    evaluations = List.copyOf(evaluations);
  }

  /** The report as a JSON object, on one line. */
  public String json() {
    StringBuilder json = new StringBuilder("{");
    text(json, "strategy", strategy.toString());
    number(json, "seed", seed);
    number(json, "steps", steps);
    number(json, "batchSize", batchSize);
    number(json, "learningRate", learningRate);
    number(json, "trainingImages", trainingImages);
    number(json, "heldOutImages", heldOutImages);
    key(json, "unreadable").append('[');
    for (int i = 0; i < unreadable.size(); i++) {
      json.append(i == 0 ? "" : ",");
      quote(json, unreadable.get(i));
    }
    json.append(']');
    text(json, "dataChecksum", dataChecksum);
    text(json, "parent", parent);
    number(json, "movedWeights", movedWeights);
    fidelity(key(json, "before"), before);
    fidelity(key(json, "after"), after);
    number(json, "bestStep", bestStep);
    key(json, "evaluations").append('[');
    for (int i = 0; i < evaluations.size(); i++) {
      json.append(i == 0 ? "{" : ",{");
      number(json, "step", evaluations.get(i).step());
      fidelity(key(json, "fidelity"), evaluations.get(i).fidelity());
      json.append('}');
    }
    json.append(']');
    number(json, "seconds", time.toMillis() / 1000.0);
    return json.append('}').toString();
  }

  /**
   * Writes {@link #json()} to a file, replacing one that is there in one step.
   *
   * @throws IOException if it cannot be written
   */
  public void write(Path file) throws IOException {
    Path beside = file.resolveSibling(file.getFileName() + ".unfinished");
    Files.write(beside, (json() + "\n").getBytes(StandardCharsets.UTF_8));
    Files.move(beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** A few lines for people. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s, %d steps on %d images, seed %d%n"
            + "fidelity on %d held-out images: loss %.4f before, %.4f after; gain %.3f before,"
            + " %.3f after%n"
            + "best at step %d of %d; %d of %d images unreadable",
        strategy,
        steps,
        trainingImages,
        seed,
        heldOutImages,
        before.loss(),
        after.loss(),
        before.gain(),
        after.gain(),
        bestStep,
        steps,
        unreadable.size(),
        trainingImages + heldOutImages + unreadable.size());
  }

  private static void fidelity(StringBuilder json, Fidelity fidelity) {
    json.append('{');
    number(json, "loss", fidelity.loss());
    number(json, "blindLoss", fidelity.blindLoss());
    number(json, "gain", fidelity.gain());
    json.append('}');
  }

  private static void text(StringBuilder json, String name, String value) {
    quote(key(json, name), value);
  }

  /** JSON has no infinities and no NaN. */
  private static void number(StringBuilder json, String name, double value) {
    boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
    key(json, name)
        .append(
            !Double.isFinite(value)
                ? "null"
                : whole ? Long.toString((long) value) : Double.toString(value));
  }

  private static void number(StringBuilder json, String name, long value) {
    key(json, name).append(value);
  }

  private static StringBuilder key(StringBuilder json, String name) {
    if (json.charAt(json.length() - 1) != '{') {
      json.append(',');
    }
    return json.append('"').append(name).append("\":");
  }

  private static void quote(StringBuilder json, String value) {
    json.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    json.append('"');
  }
}
