package io.deem.training.evaluation;

import io.deem.Image;
import java.io.IOException;
import java.util.List;

/**
 * A question of a benchmark.
 *
 * @param id its name, for reports
 * @param kind what it is counted under
 * @param group items of equal kind and group belong together: they are drawn together for
 *     intervals, and where pairs count, all of a group have to be right
 * @param picture what it is about
 * @param text the question
 * @param options what can be answered; empty where anything can, and then only the written answer
 *     counts
 * @param answers the right ones; several where several annotators answered
 */
public record Item(
    String id,
    String kind,
    String group,
    Picture picture,
    String text,
    List<String> options,
    List<String> answers) {

  /** Copies the lists. */
  public Item {
    options = List.copyOf(options);
    answers = List.copyOf(answers);
    if (answers.isEmpty()) {
      throw new IllegalArgumentException(id + ": no right answer");
    }
  }

  /** A picture that is read when it is asked about. */
  @FunctionalInterface
  public interface Picture {
    /** Reads it. */
    Image read() throws IOException;
  }

  /** Whether it is answered by yes or no. */
  public boolean yesNo() {
    return options.size() == 2 && options.contains("yes") && options.contains("no");
  }

  /** The right answer, where there is one. */
  public String answer() {
    return answers.get(0);
  }
}
