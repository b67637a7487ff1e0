package io.deem.mini.recipe;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.deem.training.evaluation.Interval;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What the finished arms say together: means, spreads, and differences on the same questions. */
final class AblationTable {

  /** What is reported, each of some kinds of questions. */
  static final Map<String, List<String>> MEASURES = measures();

  private static final long INTERVAL_SEED = 1;

  /**
   * A number over repetitions.
   *
   * @param mean of all
   * @param spread standard deviation between repetitions; NaN for a single one
   * @param low lower end of the 95 % interval over questions, of the mean over repetitions
   * @param high its upper end
   * @param repetitions how many
   */
  record Cell(double mean, double spread, double low, double high, int repetitions) {

    /** Whether the interval leaves 0 out. */
    boolean differs() {
      return low > 0 || high < 0;
    }
  }

  private final Map<String, Map<Integer, JsonObject>> results = new LinkedHashMap<>();

  /** The results of arms, as {@link ArmRun} gives them. */
  AblationTable(List<JsonObject> finished) {
    for (JsonObject result : finished) {
      results
          .computeIfAbsent(result.get("arm").getAsString(), arm -> new LinkedHashMap<>())
          .put(result.get("repetition").getAsInt(), result);
    }
  }

  private static Map<String, List<String>> measures() {
    Map<String, List<String>> measures = new LinkedHashMap<>();
    measures.put(
        "presence", List.of("presence-random", "presence-popular", "presence-adversarial"));
    measures.put("robust", List.of("robust"));
    measures.put("pairs", List.of("pairs"));
    measures.put("count", List.of("count"));
    measures.put("colour", List.of("colour"));
    measures.put("position", List.of("position"));
    return measures;
  }

  /** Whether an arm has ended for any repetition. */
  boolean has(String arm) {
    return results.containsKey(arm);
  }

  /** The repetitions for which all of these arms have ended. */
  Set<Integer> repetitions(String... arms) {
    Set<Integer> common = null;
    for (String arm : arms) {
      Set<Integer> ended = results.getOrDefault(arm, Map.of()).keySet();
      if (common == null) {
        common = new TreeSet<>(ended);
      } else {
        common.retainAll(ended);
      }
    }
    return common == null ? Set.of() : common;
  }

  /** The accuracy of an arm, 0 to 1, in a style. */
  Cell accuracy(String arm, String style, String measure) {
    List<double[]> scores = new ArrayList<>();
    for (int repetition : repetitions(arm)) {
      scores.add(scores(arm, repetition, style, measure));
    }
    return cell(scores);
  }

  /** The accuracy of an arm less that of another, on the same questions and repetitions. */
  Cell difference(String arm, String other, List<String> styles, String measure) {
    List<double[]> differences = new ArrayList<>();
    for (int repetition : repetitions(arm, other)) {
      List<Double> all = new ArrayList<>();
      for (String style : styles) {
        double[] one = scores(arm, repetition, style, measure);
        double[] two = scores(other, repetition, style, measure);
        for (int i = 0; i < one.length; i++) {
          all.add(one[i] - two[i]);
        }
      }
      differences.add(all.stream().mapToDouble(Double::doubleValue).toArray());
    }
    return cell(differences);
  }

  /**
   * Repetitions answer the same questions, so a question's scores are averaged first and questions
   * are drawn anew; how repetitions differ is the spread.
   */
  private static Cell cell(List<double[]> repetitions) {
    if (repetitions.isEmpty()) {
      return new Cell(Double.NaN, Double.NaN, Double.NaN, Double.NaN, 0);
    }
    double[] mean = new double[repetitions.get(0).length];
    double[] each = new double[repetitions.size()];
    for (int r = 0; r < each.length; r++) {
      for (int i = 0; i < mean.length; i++) {
        mean[i] += repetitions.get(r)[i] / each.length;
        each[r] += repetitions.get(r)[i] / mean.length;
      }
    }
    Interval interval = Interval.ofMean(mean, INTERVAL_SEED);
    return new Cell(interval.mean(), deviation(each), interval.low(), interval.high(), each.length);
  }

  private static double deviation(double[] values) {
    double mean = 0;
    for (double value : values) {
      mean += value / values.length;
    }
    double square = 0;
    for (double value : values) {
      square += (value - mean) * (value - mean);
    }
    return Math.sqrt(square / (values.length - 1));
  }

  private double[] scores(String arm, int repetition, String style, String measure) {
    JsonObject kinds = style(arm, repetition, style).getAsJsonObject("kinds");
    List<Double> all = new ArrayList<>();
    for (String kind : MEASURES.get(measure)) {
      if (kinds.has(kind)) {
        JsonArray scores = kinds.getAsJsonObject(kind).getAsJsonArray("scores");
        scores.forEach(score -> all.add(score.getAsDouble()));
      }
    }
    return all.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private JsonObject style(String arm, int repetition, String style) {
    return results.get(arm).get(repetition).getAsJsonObject("styles").getAsJsonObject(style);
  }

  /** The mean area under the curve of presence questions, over kinds and repetitions. */
  double presenceArea(String arm, String style) {
    List<Double> areas = new ArrayList<>();
    for (int repetition : repetitions(arm)) {
      JsonObject kinds = style(arm, repetition, style).getAsJsonObject("kinds");
      MEASURES
          .get("presence")
          .forEach(kind -> areas.add(kinds.getAsJsonObject(kind).get("auc").getAsDouble()));
    }
    return mean(areas);
  }

  /** The mean share of cells whose noun the visual token points at. */
  double nouns(String arm, String style) {
    return mean(
        repetitions(arm).stream()
            .map(repetition -> style(arm, repetition, style).get("nouns").getAsDouble())
            .toList());
  }

  /**
   * The mean of a number of the results.
   *
   * @param path names of objects, the last that of the number
   * @return NaN where an arm has no such number
   */
  double number(String arm, String... path) {
    List<Double> numbers = new ArrayList<>();
    for (int repetition : repetitions(arm)) {
      JsonElement found = results.get(arm).get(repetition);
      for (String name : path) {
        found = found == null ? null : found.getAsJsonObject().get(name);
      }
      if (found != null) {
        numbers.add(found.getAsDouble());
      }
    }
    return mean(numbers);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
  }
}
