package io.deem.training.alignment;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.AlignmentReport.Evaluation;
import io.deem.Fidelity;
import io.deem.graph.Param;
import io.deem.weights.AtomicFile;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Every measurement of a run and the weights that did best, in memory and, if the run has a work
 * folder, on disk: the weights first, then what was measured, so that the two never disagree for
 * longer than it takes a resumed run to measure again.
 */
final class BestWeights {

  private static final String EVALUATIONS = "evaluations.json";
  private static final String WEIGHTS = "best.safetensors";

  private final Path work;
  private final String recipe;
  private final List<Param> moved;
  private final TreeMap<Integer, Fidelity> evaluations = new TreeMap<>();
  private int bestStep;
  private Map<String, float[]> best = Map.of();

  private BestWeights(Path work, String recipe, List<Param> moved) {
    this.work = work;
    this.recipe = recipe;
    this.moved = moved;
  }

  /**
   * What an earlier start of the same run has measured, or nothing yet.
   *
   * @param work null for none
   * @throws IOException if the folder is another run's, saying what differs
   */
  static BestWeights open(Path work, String recipe, List<Param> moved) throws IOException {
    BestWeights weights = new BestWeights(work, recipe, moved);
    if (work != null && Files.exists(work.resolve(EVALUATIONS))) {
      weights.read();
    }
    return weights;
  }

  /** Whether a step was measured already. */
  boolean has(int step) {
    return evaluations.containsKey(step);
  }

  /** The fidelity from before. */
  Fidelity before() {
    return evaluations.get(0);
  }

  /** The step that did best; 0 for the weights from before. */
  int bestStep() {
    return bestStep;
  }

  /** The moved parameters of that step; empty for those from before. */
  Map<String, float[]> best() {
    return best;
  }

  /** Every measurement, in order. */
  List<Evaluation> evaluations() {
    List<Evaluation> list = new ArrayList<>();
    evaluations.forEach((step, fidelity) -> list.add(new Evaluation(step, fidelity)));
    return list;
  }

  /**
   * Adds a measurement.
   *
   * @param values the moved parameters after that step
   */
  void add(int step, Fidelity fidelity, Map<String, float[]> values) throws IOException {
    // A resumed run measures again what the one before may have kept already.
    boolean better =
        step > 0 && (step == bestStep || fidelity.loss() < evaluations.get(bestStep).loss());
    evaluations.put(step, fidelity);
    if (better) {
      bestStep = step;
      best = values;
    }
    if (work != null) {
      Files.createDirectories(work);
      if (better) {
        SafetensorsWriter writer = new SafetensorsWriter();
        for (Param param : moved) {
          writer.floats(
              param.name(),
              ElementType.F32,
              param.shape().extents(),
              () -> values.get(param.name()));
        }
        writer.write(work.resolve(WEIGHTS));
      }
      write();
    }
  }

  private void write() throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("recipe", recipe);
    json.addProperty("bestStep", bestStep);
    JsonArray list = new JsonArray();
    evaluations.forEach(
        (step, fidelity) -> {
          JsonObject one = new JsonObject();
          one.addProperty("step", step);
          one.addProperty("loss", fidelity.loss());
          one.addProperty("blindLoss", fidelity.blindLoss());
          list.add(one);
        });
    json.add("evaluations", list);
    byte[] text = json.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(
        work.resolve(EVALUATIONS),
        channel -> {
          ByteBuffer bytes = ByteBuffer.wrap(text);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  private void read() throws IOException {
    Path file = work.resolve(EVALUATIONS);
    try {
      JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
      String found = json.get("recipe").getAsString();
      if (!found.equals(recipe)) {
        throw new IOException(
            work + ": holds another alignment: " + found + "; this one is " + recipe);
      }
      bestStep = json.get("bestStep").getAsInt();
      for (JsonElement each : json.getAsJsonArray("evaluations")) {
        JsonObject one = each.getAsJsonObject();
        evaluations.put(
            one.get("step").getAsInt(),
            Fidelity.of(one.get("loss").getAsDouble(), one.get("blindLoss").getAsDouble()));
      }
      if (!evaluations.containsKey(0) || !evaluations.containsKey(bestStep)) {
        throw new IOException(file + ": is damaged: the best step was not measured");
      }
    } catch (IllegalStateException
        | NullPointerException
        | NumberFormatException
        | com.google.gson.JsonParseException e) {
      throw new IOException(file + ": is damaged: " + e.getMessage(), e);
    }
    if (bestStep > 0) {
      Map<String, float[]> values = new LinkedHashMap<>();
      try (SafetensorsFile weights = SafetensorsFile.open(work.resolve(WEIGHTS))) {
        for (Param param : moved) {
          values.put(param.name(), weights.floats(param.name(), param.shape().extents()));
        }
      }
      best = values;
    }
  }
}
