package io.deem.mini.recipe;

import static io.deem.mini.recipe.AblationReport.format;

import io.deem.mini.recipe.AblationTable.Cell;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Draws each arm's difference from arm (c) with its interval, a panel for each measure. */
final class AblationFigure {

  private static final Map<String, String> PANELS = panels();
  private static final int LABELS = 250;
  private static final int PANEL = 230;
  private static final int GAP = 20;
  private static final int ROW = 24;
  private static final int TOP = 56;
  private static final double LEAST_RANGE = 6;

  private final AblationTable table;
  private final List<Arm> arms = new ArrayList<>();
  private final List<String> styles;
  private double range = LEAST_RANGE;

  AblationFigure(AblationTable table, List<Arm> arms, List<String> styles) {
    this.table = table;
    this.styles = styles;
    for (Arm arm : arms) {
      if (!arm.equals(Arm.NO_FEEDBACK)
          && !table.repetitions(arm.id(), Arm.NO_FEEDBACK.id()).isEmpty()) {
        this.arms.add(arm);
        for (String measure : PANELS.keySet()) {
          Cell cell = cell(arm, measure);
          range = Math.max(range, 100 * Math.max(Math.abs(cell.low()), Math.abs(cell.high())));
        }
      }
    }
  }

  private static Map<String, String> panels() {
    Map<String, String> panels = new LinkedHashMap<>();
    panels.put("presence", "presence (POPE's way)");
    panels.put("robust", "robust (RobustVQA's way)");
    panels.put("pairs", "minimal pairs (MMVP's way)");
    return panels;
  }

  private Cell cell(Arm arm, String measure) {
    return table.difference(arm.id(), Arm.NO_FEEDBACK.id(), styles, measure);
  }

  String svg() {
    int width = LABELS + PANELS.size() * (PANEL + GAP);
    int height = TOP + ROW * arms.size() + 40;
    StringBuilder svg = new StringBuilder();
    svg.append(
        format(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d'"
                + " font-family='sans-serif' font-size='12'>\n",
            width, height, width, height));
    svg.append("<rect width='100%' height='100%' fill='white'/>\n");
    text(svg, 8, 20, "start", "Points more than (c) on styles never trained on, 95 % intervals");
    for (int i = 0; i < arms.size(); i++) {
      text(svg, LABELS - 10, TOP + ROW * i + 16, "end", arms.get(i).title());
    }
    int left = LABELS;
    for (Map.Entry<String, String> panel : PANELS.entrySet()) {
      panel(svg, left, panel.getKey(), panel.getValue());
      left += PANEL + GAP;
    }
    return svg.append("</svg>\n").toString();
  }

  private void panel(StringBuilder svg, int left, String measure, String title) {
    int bottom = TOP + ROW * arms.size();
    double middle = left + PANEL / 2.0;
    text(svg, middle, TOP - 12, "middle", title);
    line(svg, middle, TOP, middle, bottom, "#999", 1);
    for (int points : List.of(-1, 1)) {
      int tick = (int) (points * range / 2);
      text(svg, x(middle, tick), bottom + 18, "middle", format("%+d", tick));
      line(svg, x(middle, tick), TOP, x(middle, tick), bottom, "#e5e5e5", 1);
    }
    text(svg, middle, bottom + 18, "middle", "0");
    for (int i = 0; i < arms.size(); i++) {
      Cell cell = cell(arms.get(i), measure);
      double y = TOP + ROW * (i + 0.5);
      String color = cell.differs() ? "#0b6e4f" : "#777";
      line(svg, x(middle, 100 * cell.low()), y, x(middle, 100 * cell.high()), y, color, 2);
      svg.append(
          format(
              "<circle cx='%.1f' cy='%.1f' r='4' fill='%s'/>\n",
              x(middle, 100 * cell.mean()), y, color));
    }
  }

  private double x(double middle, double points) {
    return middle + points / range * (PANEL / 2.0 - 8);
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    String escaped = text.replace("&", "&amp;").replace("<", "&lt;");
    svg.append(
        format("<text x='%.1f' y='%.1f' text-anchor='%s'>%s</text>\n", x, y, anchor, escaped));
  }

  private static void line(
      StringBuilder svg, double x1, double y1, double x2, double y2, String color, int width) {
    svg.append(
        format(
            "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='%d'/>\n",
            x1, y1, x2, y2, color, width));
  }
}
