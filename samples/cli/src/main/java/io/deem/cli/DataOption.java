package io.deem.cli;

import io.deem.TrainingSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a data set from the command line: {@code [WEIGHT*][FORMAT:]FILE[,FILE...][@IMAGES]}. */
final class DataOption {

  private static final Pattern WEIGHT = Pattern.compile("(\\d+(?:\\.\\d+)?)\\*(.+)");
  private static final Pattern FORMAT = Pattern.compile("([a-z][a-z-]+):(.+)");

  private DataOption() {}

  /**
   * Reads a data set.
   *
   * @throws IllegalArgumentException if the weight is 0
   */
  static TrainingSettings.Data parse(String text) {
    String rest = text;
    double weight = 1;
    Matcher weighted = WEIGHT.matcher(rest);
    if (weighted.matches()) {
      weight = Double.parseDouble(weighted.group(1));
      rest = weighted.group(2);
    }
    Matcher formatted = FORMAT.matcher(rest);
    if (Files.exists(Path.of(rest)) || !formatted.matches()) {
      return TrainingSettings.Data.folder(Path.of(rest), weight);
    }
    String files = formatted.group(2);
    int at = files.lastIndexOf('@');
    Optional<Path> images =
        at < 0 ? Optional.empty() : Optional.of(Path.of(files.substring(at + 1)));
    List<Path> paths =
        Arrays.stream((at < 0 ? files : files.substring(0, at)).split(",", -1))
            .map(Path::of)
            .toList();
    return new TrainingSettings.Data(formatted.group(1), paths, images, weight);
  }
}
