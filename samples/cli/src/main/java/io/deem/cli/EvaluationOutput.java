package io.deem.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.deem.training.evaluation.AnswerMode;
import io.deem.training.evaluation.Answered;
import io.deem.training.evaluation.HtmlReport;
import io.deem.training.evaluation.KindResult;
import io.deem.training.evaluation.KindResult.Counting;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Prints results kind by kind, or as one JSON object, and writes the report. */
final class EvaluationOutput {

  private static final Gson GSON =
      new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

  private final PrintWriter out;
  private final boolean json;
  private final HtmlReport report;
  private final Path reportFile;
  private final long seed;
  private final JsonArray results = new JsonArray();

  EvaluationOutput(
      PrintWriter out, boolean json, Path reportFile, String title, List<String> facts, long seed) {
    this.out = out;
    this.json = json;
    this.reportFile = reportFile;
    this.report = new HtmlReport(title, facts);
    this.seed = seed;
  }

  /** Adds the answers to one kind of question. */
  void add(String kind, List<Answered> answers, Counting counting) {
    List<KindResult> both = new ArrayList<>();
    if (answers.stream().allMatch(answered -> answered.likeliest().isPresent())) {
      both.add(KindResult.of(kind, answers, AnswerMode.OPTION, counting, seed));
    }
    if (answers.stream().allMatch(answered -> answered.written().isPresent())) {
      both.add(KindResult.of(kind, answers, AnswerMode.WRITTEN, counting, seed));
    }
    report.add(both, answers);
    JsonObject entry = new JsonObject();
    entry.addProperty("kind", kind);
    add(entry, both.get(0));
    if (both.size() > 1) {
      JsonObject beside = new JsonObject();
      add(beside, both.get(1));
      entry.add("written", beside);
    }
    results.add(entry);
    if (!json) {
      out.println(line(both));
    }
  }

  private static void add(JsonObject entry, KindResult result) {
    entry.addProperty("n", result.n());
    entry.addProperty("accuracy", result.accuracy().mean());
    entry.addProperty("low", result.accuracy().low());
    entry.addProperty("high", result.accuracy().high());
    entry.add("f1", JsonNull.INSTANCE);
    entry.add("yesShare", JsonNull.INSTANCE);
    result
        .yesNo()
        .ifPresent(
            counts -> {
              entry.addProperty("f1", counts.f1());
              entry.addProperty("yesShare", counts.yesShare());
              entry.addProperty("precision", counts.precision());
              entry.addProperty("recall", counts.recall());
            });
  }

  private static String line(List<KindResult> both) {
    KindResult first = both.get(0);
    StringBuilder line = new StringBuilder();
    line.append(String.format(Locale.ROOT, "%-21s %5d  ", first.kind(), first.n()));
    line.append(interval(first));
    first
        .yesNo()
        .ifPresent(
            counts ->
                line.append(
                    String.format(
                        Locale.ROOT,
                        "  F1 %5.1f  yes %5.1f %%",
                        100 * counts.f1(),
                        100 * counts.yesShare())));
    if (both.size() > 1) {
      line.append("  written ").append(interval(both.get(1)));
    }
    return line.toString();
  }

  private static String interval(KindResult result) {
    return String.format(
        Locale.ROOT,
        "%5.1f %% [%5.1f, %5.1f]",
        100 * result.accuracy().mean(),
        100 * result.accuracy().low(),
        100 * result.accuracy().high());
  }

  /**
   * Ends the output.
   *
   * @param head what stands before the results in the JSON object
   */
  void end(JsonObject head) throws IOException {
    if (json) {
      head.add("results", results);
      out.println(GSON.toJson(head));
    }
    if (reportFile != null) {
      report.write(reportFile);
    }
  }
}
