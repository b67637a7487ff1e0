package io.deem.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A question about a picture, with the true answer.
 *
 * @param text for example {@code Is there a dog in the image?}
 * @param answer the truth
 * @param options what to choose from; empty if the answer is to be found freely
 */
record Question(String text, String answer, List<String> options) {

  Question {
    options = List.copyOf(options);
  }

  /**
   * Reads questions: a line of picture, question, answer and options each, with tabs between them
   * and {@code |} between the options; lines that start with # are skipped.
   *
   * @return the questions about each picture, in the file's order
   * @throws IOException if there is no such file, or a line is something else; in one line
   */
  static Map<String, List<Question>> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": there is no such file");
    }
    Map<String, List<Question>> questions = new LinkedHashMap<>();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      String[] cells = line.split("\t", -1);
      if (cells.length != 4 || cells[0].isBlank() || cells[1].isBlank() || cells[2].isBlank()) {
        throw new IOException(
            file + " line " + number + ": expected picture, question, answer and options");
      }
      List<String> options = cells[3].isEmpty() ? List.of() : List.of(cells[3].split("\\|", -1));
      if (!options.isEmpty() && !options.contains(cells[2])) {
        throw new IOException(
            file + " line " + number + ": the answer '" + cells[2] + "' is not among " + options);
      }
      questions
          .computeIfAbsent(cells[0], picture -> new ArrayList<>())
          .add(new Question(cells[1], cells[2], options));
    }
    if (questions.isEmpty()) {
      throw new IOException(file + ": holds no question");
    }
    return Collections.unmodifiableMap(questions);
  }
}
