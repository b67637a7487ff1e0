package io.deem.mini.recipe;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.mini.EmojiStyle;
import io.deem.mini.recipe.AblationTable.Cell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Writes what has been found as {@code table.json}, {@code table.md} and {@code figure.svg}. */
final class AblationReport {

  /** What the paper's model gains over its baseline, in points, by measure. */
  /** Arms that every other one is compared with, and DEEM itself. */
  private static final List<String> PAIRED =
      List.of(Arm.BASELINE.id(), Arm.NO_FEEDBACK.id(), Arm.DEEM.id());

  private static final Map<String, Double> PAPER = paper();

  private static final List<String> UNSEEN =
      ArmRun.STYLES.stream().filter(style -> !style.trained()).map(EmojiStyle::id).toList();

  private final AblationTable table;
  private final List<Arm> arms = new ArrayList<>();

  private AblationReport(List<JsonObject> finished) {
    table = new AblationTable(finished);
    Stream.concat(Arm.repeated().stream(), Arm.sweep().stream())
        .filter(arm -> table.has(arm.id()))
        .forEach(arms::add);
  }

  private static Map<String, Double> paper() {
    Map<String, Double> margins = new LinkedHashMap<>();
    margins.put("robust", 4.0);
    margins.put("pairs", 6.5);
    margins.put("presence", 12.8);
    return margins;
  }

  /** Reads the arms that have ended and writes the report beside them. */
  static void write(Path out) throws IOException {
    List<JsonObject> finished = new ArrayList<>();
    try (Stream<Path> files = Files.list(out.resolve("arms"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        finished.add(JsonParser.parseString(Files.readString(file)).getAsJsonObject());
      }
    }
    AblationReport report = new AblationReport(finished);
    Ablation.write(out.resolve("table.json"), report.json());
    Ablation.write(out.resolve("table.md"), report.markdown());
    Ablation.write(
        out.resolve("figure.svg"), new AblationFigure(report.table, report.arms, UNSEEN).svg());
  }

  // ---------------------------------------------------------------- Markdown

  private String markdown() {
    StringBuilder text = new StringBuilder();
    accuracies(text);
    differences(text);
    kinds(text);
    causes(text);
    return text.toString();
  }

  private void accuracies(StringBuilder text) {
    text.append("### Presence questions, % right (deviation between seeds)\n\n| arm | seeds |");
    ArmRun.STYLES.forEach(style -> text.append(' ').append(style.id()).append(" |"));
    text.append(" trained | s a step |\n|---|---|").append("---|".repeat(ArmRun.STYLES.size() + 2));
    text.append('\n');
    for (Arm arm : arms) {
      text.append("| ").append(arm.title()).append(" | ");
      text.append(table.repetitions(arm.id()).size()).append(" |");
      for (EmojiStyle style : ArmRun.STYLES) {
        text.append(' ').append(share(table.accuracy(arm.id(), style.id(), "presence")));
        text.append(" |");
      }
      text.append(
          format(
              " %.2f M | %.2f |\n",
              table.number(arm.id(), "trainable") / 1e6, table.number(arm.id(), "secondsPerStep")));
    }
  }

  private void differences(StringBuilder text) {
    text.append("\n### Differences in points on the styles never trained on, 95 % intervals\n\n");
    text.append("| | RobustVQA's way | pairs | POPE's way |\n|---|---|---|---|\n");
    text.append("| the paper, DEEM less its baseline |");
    PAPER.values().forEach(points -> text.append(format(" %+.1f |", points)));
    text.append('\n');
    for (String other : List.of(Arm.BASELINE.id(), Arm.NO_FEEDBACK.id())) {
      for (Arm arm : arms) {
        difference(text, arm.id(), other);
      }
    }
    for (Arm arm : arms) {
      if (!PAIRED.contains(arm.id())) {
        difference(text, Arm.DEEM.id(), arm.id());
      }
    }
  }

  private void difference(StringBuilder text, String one, String other) {
    if (one.equals(other) || table.repetitions(one, other).isEmpty()) {
      return;
    }
    text.append("| ").append(one).append(" less ").append(other).append(" |");
    for (String measure : PAPER.keySet()) {
      Cell cell = table.difference(one, other, UNSEEN, measure);
      text.append(' ').append(points(cell)).append(" |");
    }
    text.append('\n');
  }

  private void kinds(StringBuilder text) {
    text.append("\n### DEEM less each of its two comparisons, by style and kind, points\n\n");
    text.append("| | style |");
    AblationTable.MEASURES.keySet().forEach(kind -> text.append(' ').append(kind).append(" |"));
    text.append("\n|---|---|").append("---|".repeat(AblationTable.MEASURES.size())).append('\n');
    for (String other : List.of(Arm.BASELINE.id(), Arm.NO_FEEDBACK.id())) {
      if (table.repetitions(Arm.DEEM.id(), other).isEmpty()) {
        continue;
      }
      for (EmojiStyle style : ArmRun.STYLES) {
        text.append("| deem less ").append(other).append(" | ").append(style.id()).append(" |");
        for (String measure : AblationTable.MEASURES.keySet()) {
          Cell cell = table.difference(Arm.DEEM.id(), other, List.of(style.id()), measure);
          text.append(' ').append(points(cell)).append(" |");
        }
        text.append('\n');
      }
    }
  }

  private void causes(StringBuilder text) {
    text.append("\n### What the feedback does to the encoder\n\n");
    text.append("Gradient: the weighted feedback's length as a share of the text loss's, and the");
    text.append(
        " cosine between the two, before and after training. Drift: how far features moved");
    text.append(", as a share of their length. Nouns: visual tokens of objects that point at the");
    text.append(" right one of the labels, %. AUC: of presence questions.\n\n");
    text.append("| arm | text loss | feedback | gradient, encoder | cosine | drift");
    UNSEEN.forEach(style -> text.append(" | nouns ").append(style));
    UNSEEN.forEach(style -> text.append(" | AUC ").append(style));
    text.append(" |\n|---|---|---|---|---|---|").append("---|".repeat(2 * UNSEEN.size()));
    text.append('\n');
    for (Arm arm : arms) {
      String id = arm.id();
      text.append(
          format(
              "| %s | %.3f | %s | %s | %s | %.2f |",
              id,
              table.number(id, "losses", "text"),
              number(table.number(id, "losses", "feedback")),
              two(ratio(id, "start"), ratio(id, "end")),
              two(cosine(id, "start"), cosine(id, "end")),
              table.number(id, "drift", UNSEEN.get(0))));
      UNSEEN.forEach(style -> text.append(format(" %.1f |", 100 * table.nouns(id, style))));
      UNSEEN.forEach(style -> text.append(format(" %.3f |", table.presenceArea(id, style))));
      text.append('\n');
    }
  }

  private double ratio(String arm, String when) {
    return table.number(arm, "gradients", when, "encoder", "feedback")
        / table.number(arm, "gradients", when, "encoder", "text");
  }

  private double cosine(String arm, String when) {
    return table.number(arm, "gradients", when, "encoder", "cosine");
  }

  private static String two(double before, double after) {
    return format("%.2f, %.2f", before, after);
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : format("%.3f", value);
  }

  private static String share(Cell cell) {
    String mean = format("%.1f", 100 * cell.mean());
    return Double.isNaN(cell.spread()) ? mean : mean + format(" (%.1f)", 100 * cell.spread());
  }

  /** With its interval, bold where that leaves 0 out. */
  private static String points(Cell cell) {
    String text =
        format("%+.1f [%+.1f, %+.1f]", 100 * cell.mean(), 100 * cell.low(), 100 * cell.high());
    return cell.differs() ? "**" + text + "**" : text;
  }

  static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  // ---------------------------------------------------------------- JSON

  private String json() {
    JsonObject all = new JsonObject();
    for (Arm arm : arms) {
      JsonObject one = new JsonObject();
      one.addProperty("title", arm.title());
      one.addProperty("repetitions", table.repetitions(arm.id()).size());
      one.addProperty("trainable", table.number(arm.id(), "trainable"));
      one.addProperty("secondsPerStep", table.number(arm.id(), "secondsPerStep"));
      JsonObject styles = new JsonObject();
      for (EmojiStyle style : ArmRun.STYLES) {
        JsonObject measures = new JsonObject();
        for (String measure : AblationTable.MEASURES.keySet()) {
          measures.add(measure, json(table.accuracy(arm.id(), style.id(), measure)));
        }
        measures.addProperty("nouns", table.nouns(arm.id(), style.id()));
        measures.addProperty("presenceAuc", table.presenceArea(arm.id(), style.id()));
        styles.add(style.id(), measures);
      }
      one.add("styles", styles);
      for (String other : List.of(Arm.BASELINE.id(), Arm.NO_FEEDBACK.id())) {
        JsonObject differences = new JsonObject();
        for (String measure : AblationTable.MEASURES.keySet()) {
          differences.add(measure, json(table.difference(arm.id(), other, UNSEEN, measure)));
        }
        one.add("less " + other + ", unseen styles", differences);
      }
      all.add(arm.id(), one);
    }
    return new GsonBuilder().setPrettyPrinting().create().toJson((JsonElement) all) + "\n";
  }

  private static JsonObject json(Cell cell) {
    JsonObject json = new JsonObject();
    json.addProperty("repetitions", cell.repetitions());
    if (cell.repetitions() > 0) {
      json.addProperty("mean", cell.mean());
      json.addProperty("low", cell.low());
      json.addProperty("high", cell.high());
    }
    if (cell.repetitions() > 1) {
      json.addProperty("spread", cell.spread());
    }
    return json;
  }
}
