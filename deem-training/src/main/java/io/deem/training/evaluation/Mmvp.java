package io.deem.training.evaluation;

import io.deem.training.data.ImageSource;
import io.deem.training.data.JsonFileItems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Pairs of pictures that look alike to CLIP (Tong et al. 2024, "MMVP"): a pair counts only if both
 * of its questions are answered right.
 */
public final class Mmvp {

  private static final Pattern OPTION = Pattern.compile("\\(([a-z])\\)\\s*([^(]*)");

  private Mmvp() {}

  /**
   * Reads the published {@code Questions.csv}: {@code Index}, {@code Question}, {@code Options}
   * such as {@code (a) Open (b) Closed}, and {@code Correct Answer} such as {@code (a)}.
   *
   * @param imageFolder with {@code 1.jpg}, {@code 2.jpg} and so on, by index
   */
  public static List<Item> read(Path file, Path imageFolder) throws IOException {
    List<Item> items = new ArrayList<>();
    List<List<String>> rows = csv(Files.readString(file));
    for (List<String> row : rows.subList(Math.min(1, rows.size()), rows.size())) {
      int line = items.size() + 2;
      if (row.size() < 4) {
        throw new IOException(file + " row " + line + ": has " + row.size() + " columns, not 4");
      }
      List<String> options = new ArrayList<>();
      String right = null;
      Matcher option = OPTION.matcher(row.get(2));
      while (option.find()) {
        options.add(option.group(2).strip());
        right =
            row.get(3).strip().equals("(" + option.group(1) + ")")
                ? option.group(2).strip()
                : right;
      }
      if (right == null || options.size() < 2) {
        throw new IOException(
            file + " row " + line + ": no option " + row.get(3) + " in " + row.get(2));
      }
      ImageSource image = JsonFileItems.picture(imageFolder, row.get(0).strip() + ".jpg");
      items.add(
          new Item(
              row.get(0).strip(),
              "mmvp",
              Integer.toString(items.size() / 2),
              image::read,
              row.get(1).strip(),
              options,
              List.of(right)));
    }
    if (items.isEmpty() || items.size() % 2 != 0) {
      throw new IOException(file + ": has " + items.size() + " questions, which are no pairs");
    }
    return items;
  }

  /** Rows of a CSV text (RFC 4180): fields may be quoted, quotes are doubled. */
  static List<List<String>> csv(String text) {
    List<List<String>> rows = new ArrayList<>();
    List<String> row = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted && c == '"' && i + 1 < text.length() && text.charAt(i + 1) == '"') {
        field.append('"');
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (!quoted && (c == ',' || c == '\n')) {
        row.add(field.toString());
        field.setLength(0);
        if (c == '\n') {
          rows.add(row);
          row = new ArrayList<>();
        }
      } else if (quoted || c != '\r') {
        field.append(c);
      }
    }
    if (!row.isEmpty() || field.length() > 0) {
      row.add(field.toString());
      rows.add(row);
    }
    rows.removeIf(cells -> cells.size() == 1 && cells.get(0).isBlank());
    return rows;
  }
}
