package io.deem.training.evaluation;

import io.deem.Image;
import io.deem.desktop.DesktopImageCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A report of an evaluation as one HTML file that needs nothing else: a plot of accuracies with
 * their intervals, tables, confusions of yes and no, and wrong answers with their pictures.
 */
public final class HtmlReport {

  private static final int EXAMPLES_PER_KIND = 6;
  private static final int BAR_HEIGHT = 22;
  private static final int LABELS = 190;
  private static final int PLOT = 500;

  private static final String STYLE =
      """
      body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
      table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .7em;text-align:right;
      border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}
      figure{display:inline-block;width:150px;margin:.4em;vertical-align:top;font-size:12px}
      figure img{width:128px;height:128px;object-fit:contain;image-rendering:pixelated;
      border:1px solid #ddd}h2{margin-top:2em}
      """;

  private final String title;
  private final List<String> facts;
  private final List<KindResult> results = new ArrayList<>();
  private final Map<String, List<Answered>> wrong = new LinkedHashMap<>();

  /**
   * A report.
   *
   * @param title a line
   * @param facts what was measured how, a line each
   */
  public HtmlReport(String title, List<String> facts) {
    this.title = title;
    this.facts = List.copyOf(facts);
  }

  /** Adds the results of one kind of question, and its answers. */
  public void add(List<KindResult> ofKind, List<Answered> answers) {
    results.addAll(ofKind);
    List<Answered> examples = new ArrayList<>();
    for (Answered answered : answers) {
      boolean option = answered.likeliest().isPresent();
      double score = answered.score(option ? AnswerMode.OPTION : AnswerMode.WRITTEN);
      if (score < 1 && examples.size() < EXAMPLES_PER_KIND) {
        examples.add(answered);
      }
    }
    wrong.computeIfAbsent(ofKind.get(0).kind(), kind -> new ArrayList<>()).addAll(examples);
  }

  /** Writes the file. */
  public void write(Path file) throws IOException {
    StringBuilder html = new StringBuilder();
    html.append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>")
        .append(escape(title))
        .append("</title><style>")
        .append(STYLE)
        .append("</style><h1>")
        .append(escape(title))
        .append("</h1><ul>");
    facts.forEach(fact -> html.append("<li>").append(escape(fact)).append("</li>"));
    html.append("</ul><h2>Accuracy, 95 % intervals</h2>");
    plot(html);
    table(html);
    confusions(html);
    examples(html);
    Files.write(file, html.toString().getBytes(StandardCharsets.UTF_8));
  }

  private void plot(StringBuilder html) {
    int height = results.size() * BAR_HEIGHT + 30;
    html.append(
        String.format(
            Locale.ROOT,
            "<svg viewBox=\"0 0 %d %d\" width=\"100%%\" role=\"img\">",
            LABELS + PLOT + 60,
            height));
    for (int percent = 0; percent <= 100; percent += 25) {
      double x = LABELS + PLOT * percent / 100.0;
      html.append(
          String.format(
              Locale.ROOT,
              "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\" stroke=\"#ddd\"/><text x=\"%.1f\""
                  + " y=\"%d\" font-size=\"11\" text-anchor=\"middle\">%d %%</text>",
              x,
              x,
              height - 25,
              x,
              height - 10,
              percent));
    }
    for (int i = 0; i < results.size(); i++) {
      bar(html, results.get(i), i * BAR_HEIGHT);
    }
    html.append("</svg>");
  }

  private static void bar(StringBuilder html, KindResult result, int y) {
    Interval accuracy = result.accuracy();
    String color = result.mode() == AnswerMode.OPTION ? "#3b6ea5" : "#9db8d2";
    double middle = y + BAR_HEIGHT / 2.0;
    html.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"%.1f\" font-size=\"12\" text-anchor=\"end\">%s</text>"
                + "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
                + "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#000\"/>",
            LABELS - 8,
            middle + 4,
            escape(result.kind() + (result.mode() == AnswerMode.OPTION ? "" : ", written")),
            LABELS,
            y + 3,
            PLOT * accuracy.mean(),
            BAR_HEIGHT - 6,
            color,
            LABELS + PLOT * accuracy.low(),
            LABELS + PLOT * accuracy.high(),
            middle,
            middle));
  }

  private void table(StringBuilder html) {
    html.append(
        "<table><tr><th>kind</th><th>answers</th><th>n</th><th>accuracy</th><th>interval</th>"
            + "<th>chance</th><th>precision</th><th>recall</th><th>F1</th><th>yes</th></tr>");
    for (KindResult result : results) {
      html.append(
          String.format(
              Locale.ROOT,
              "<tr><td>%s</td><td>%s</td><td>%d</td><td>%s</td><td>%s to %s</td><td>%s</td>",
              escape(result.kind()),
              result.mode() == AnswerMode.OPTION ? "likeliest option" : "written",
              result.n(),
              percent(result.accuracy().mean()),
              percent(result.accuracy().low()),
              percent(result.accuracy().high()),
              result.options().isPresent() ? percent(1 / result.options().getAsDouble()) : ""));
      if (result.yesNo().isPresent()) {
        YesNoScores scores = result.yesNo().get();
        for (double value :
            new double[] {scores.precision(), scores.recall(), scores.f1(), scores.yesShare()}) {
          html.append("<td>").append(percent(value)).append("</td>");
        }
      }
      html.append("</tr>");
    }
    html.append("</table>");
  }

  private void confusions(StringBuilder html) {
    html.append("<h2>Yes and no</h2><table><tr><th>kind</th><th>yes, is yes</th>");
    html.append("<th>yes, is no</th><th>no, is yes</th><th>no, is no</th></tr>");
    for (KindResult result : results) {
      if (result.yesNo().isPresent() && result.mode() == AnswerMode.OPTION) {
        YesNoScores scores = result.yesNo().get();
        html.append(
            String.format(
                Locale.ROOT,
                "<tr><td>%s</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td></tr>",
                escape(result.kind()),
                scores.truePositives(),
                scores.falsePositives(),
                scores.falseNegatives(),
                scores.trueNegatives()));
      }
    }
    html.append("</table>");
  }

  private void examples(StringBuilder html) throws IOException {
    html.append("<h2>Wrong answers</h2>");
    for (Map.Entry<String, List<Answered>> kind : wrong.entrySet()) {
      if (kind.getValue().isEmpty()) {
        continue;
      }
      html.append("<h3>").append(escape(kind.getKey())).append("</h3>");
      for (Answered answered : kind.getValue()) {
        Item item = answered.item();
        html.append("<figure><img alt=\"\" src=\"")
            .append(dataUri(item.picture().read()))
            .append("\"><figcaption>")
            .append(escape(item.text()))
            .append("<br>right: ")
            .append(escape(item.answer()));
        answered
            .likeliest()
            .ifPresent(
                text ->
                    html.append("<br>likeliest: ")
                        .append(escape(text))
                        .append(' ')
                        .append(percent(answered.share())));
        answered.written().ifPresent(text -> html.append("<br>written: ").append(escape(text)));
        html.append("</figcaption></figure>");
      }
    }
  }

  private static String dataUri(Image image) {
    byte[] png = new DesktopImageCodec().encodePng(image);
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
