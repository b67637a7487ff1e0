package io.deem.training;

import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A run as a page that needs no other file: facts, curves as SVG, and pictures redrawn. */
final class HtmlReport {

  private static final int WIDTH = 640;
  private static final int HEIGHT = 220;
  private static final int LEFT = 64;
  private static final int BOTTOM = 24;
  private static final int MOST_POINTS = 600;
  private static final List<String> COLORS =
      List.of("#3366cc", "#dc3912", "#109618", "#ff9900", "#990099");
  private static final String STYLE =
      "body{font:15px/1.5 system-ui,sans-serif;max-width:44em;margin:2em auto;padding:0 1em;"
          + "color:#222;background:#fff}h1{font-size:1.5em}h2{font-size:1.1em;margin-top:2em}"
          + "table{border-collapse:collapse}td{padding:.15em 1em .15em 0;vertical-align:top}"
          + "td:first-child{color:#666}svg{width:100%;height:auto}figure{display:inline-block;"
          + "margin:0 1em 1em 0}figure img{width:128px;height:128px;image-rendering:pixelated}"
          + "figcaption{font-size:.8em;color:#666}code{word-break:break-all}";

  /** Curves that share a chart: the chart's title, then the metrics. */
  private static final Map<String, List<String>> CHARTS = new LinkedHashMap<>();

  static {
    CHARTS.put("Loss", List.of("loss", "text", "image", "consistency"));
    CHARTS.put("Held-out loss", List.of("validationLoss", "validationConsistency"));
    CHARTS.put(
        "Fidelity of held-out pictures (loss, lower is better)",
        List.of("fidelityLoss", "fidelityBlindLoss"));
    CHARTS.put("Learning rate (share of the full rate)", List.of("rateFactor"));
    CHARTS.put("Norm of the gradient", List.of("gradientNorm"));
    CHARTS.put("Samples a second", List.of("itemsPerSecond"));
  }

  /**
   * A picture and what was redrawn of it.
   *
   * @param name where it comes from
   * @param before PNG of the picture
   * @param after PNG of the redrawn one
   */
  @SuppressWarnings("ArrayRecordComponent") // written once, never compared
  record Redraw(String name, byte[] before, byte[] after) {}

  private HtmlReport() {}

  /**
   * The page.
   *
   * @param facts shown in a table
   * @param rows the steps
   */
  static String page(
      String title, Map<String, String> facts, List<RunLog.Row> rows, List<Redraw> redraws) {
    StringBuilder html = new StringBuilder();
    html.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        .append(escaped(title))
        .append("</title><style>")
        .append(STYLE)
        .append("</style></head><body>\n<h1>")
        .append(escaped(title))
        .append("</h1>\n<table>\n");
    facts.forEach(
        (name, value) ->
            html.append("<tr><td>")
                .append(escaped(name))
                .append("</td><td><code>")
                .append(escaped(value))
                .append("</code></td></tr>\n"));
    html.append("</table>\n");
    CHARTS.forEach((name, metrics) -> chart(html, name, metrics, rows));
    if (!redraws.isEmpty()) {
      html.append("<h2>Pictures, and what the diffusion model redraws of what was seen</h2>\n");
    }
    for (Redraw redraw : redraws) {
      html.append("<figure>").append(image(redraw.before)).append(' ').append(image(redraw.after));
      html.append("<figcaption>").append(escaped(redraw.name)).append("</figcaption></figure>\n");
    }
    return html.append("</body></html>\n").toString();
  }

  private static String image(byte[] png) {
    return "<img alt=\"\" src=\"data:image/png;base64,"
        + Base64.getEncoder().encodeToString(png)
        + "\">";
  }

  private static void chart(
      StringBuilder html, String title, List<String> metrics, List<RunLog.Row> rows) {
    Map<String, List<double[]>> curves = new LinkedHashMap<>();
    for (String metric : metrics) {
      List<double[]> points = points(metric, rows);
      if (!points.isEmpty()) {
        curves.put(metric, points);
      }
    }
    if (curves.isEmpty()) {
      return;
    }
    double[] x = range(curves, 0);
    double[] y = range(curves, 1);
    html.append("<h2>").append(escaped(title)).append("</h2>\n<svg viewBox=\"0 0 ");
    html.append(WIDTH).append(' ').append(HEIGHT).append("\" role=\"img\">\n");
    for (int i = 0; i <= 4; i++) {
      double value = y[0] + (y[1] - y[0]) * i / 4;
      double at = vertical(value, y);
      html.append(
          String.format(
              Locale.ROOT,
              "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
                  + "<text x=\"%d\" y=\"%.1f\" font-size=\"11\" text-anchor=\"end\""
                  + " fill=\"#666\">%.4g</text>%n",
              LEFT,
              WIDTH,
              at,
              at,
              LEFT - 6,
              at + 4,
              value));
    }
    html.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#666\">step %.0f</text>"
                + "<text x=\"%d\" y=\"%d\" font-size=\"11\" text-anchor=\"end\" fill=\"#666\">step"
                + " %.0f</text>%n",
            LEFT,
            HEIGHT - 6,
            x[0],
            WIDTH,
            HEIGHT - 6,
            x[1]));
    int number = 0;
    for (Map.Entry<String, List<double[]>> curve : curves.entrySet()) {
      curve(html, curve, number++, x, y);
    }
    html.append("</svg>\n");
  }

  private static void curve(
      StringBuilder html,
      Map.Entry<String, List<double[]>> curve,
      int number,
      double[] x,
      double[] y) {
    String color = COLORS.get(number % COLORS.size());
    html.append("<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"").append(color);
    html.append("\" points=\"");
    for (double[] point : curve.getValue()) {
      double at = LEFT + (WIDTH - LEFT) * (point[0] - x[0]) / (x[1] - x[0]);
      html.append(String.format(Locale.ROOT, "%.1f,%.1f ", at, vertical(point[1], y)));
    }
    html.append("\"/>");
    html.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"14\" font-size=\"12\" fill=\"%s\">%s</text>%n",
            LEFT + 8 + 130 * number,
            color,
            escaped(curve.getKey())));
  }

  private static double vertical(double value, double[] y) {
    int top = 22;
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - top) * (value - y[0]) / (y[1] - y[0]);
  }

  /** A metric's points; of a long run means over equal stretches. */
  private static List<double[]> points(String metric, List<RunLog.Row> rows) {
    List<double[]> all = new ArrayList<>();
    for (RunLog.Row row : rows) {
      double value = row.values().getOrDefault(metric, Double.NaN);
      if (Double.isFinite(value)) {
        all.add(new double[] {row.step(), value});
      }
    }
    if (all.size() <= MOST_POINTS) {
      return all;
    }
    List<double[]> means = new ArrayList<>();
    for (int i = 0; i < MOST_POINTS; i++) {
      int from = (int) ((long) all.size() * i / MOST_POINTS);
      int to = (int) ((long) all.size() * (i + 1) / MOST_POINTS);
      List<double[]> part = all.subList(from, to);
      means.add(
          new double[] {
            part.stream().mapToDouble(p -> p[0]).average().orElseThrow(),
            part.stream().mapToDouble(p -> p[1]).average().orElseThrow()
          });
    }
    return means;
  }

  private static double[] range(Map<String, List<double[]>> curves, int axis) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (List<double[]> points : curves.values()) {
      for (double[] point : points) {
        low = Math.min(low, point[axis]);
        high = Math.max(high, point[axis]);
      }
    }
    return low < high ? new double[] {low, high} : new double[] {low - 0.5, high + 0.5};
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
