package io.deem.quickstart;

import io.deem.Image;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * What was seen in a picture.
 *
 * @param name of the picture's file
 * @param picture what was looked at
 * @param redraw the picture as the diffusion model draws it from what was seen
 * @param caption a description
 * @param replies to the questions about it
 * @param fidelity the share of the denoiser's error that seeing removes, at most 1
 * @param time for all of this
 */
record Sight(
    String name,
    Image picture,
    Image redraw,
    String caption,
    List<Reply> replies,
    double fidelity,
    Duration time) {

  /**
   * An answer beside the truth.
   *
   * @param question with the true answer
   * @param answer the one given
   * @param probability of the answer given, 0 to 1
   */
  record Reply(Question question, String answer, double probability) {

    /** Whether the answer is the true one; capitals and a full stop do not matter. */
    boolean right() {
      return answer.strip().replaceAll("\\.$", "").equalsIgnoreCase(question.answer());
    }

    /** The answer with its probability, and the truth where that is another. */
    String verdict() {
      String given = String.format(Locale.ROOT, "%s %.2f", answer.strip(), probability);
      return right() ? given : given + ", truth: " + question.answer();
    }
  }

  Sight {
    replies = List.copyOf(replies);
  }

  /** How many questions about these pictures were answered right. */
  static String score(List<Sight> sights) {
    List<Reply> replies = sights.stream().flatMap(sight -> sight.replies().stream()).toList();
    long right = replies.stream().filter(Reply::right).count();
    return right + " of " + replies.size() + " questions right";
  }

  /** A line about the picture and one for each question. */
  @Override
  public String toString() {
    StringBuilder lines = new StringBuilder();
    lines.append(
        String.format(
            Locale.ROOT,
            "%s  \"%s\"  fidelity %.2f  %.1f s%n",
            name,
            caption,
            fidelity,
            time.toMillis() / 1e3));
    for (Reply reply : replies) {
      lines.append(
          String.format(
              "  %s  %s  %s%n",
              reply.right() ? "right" : "WRONG", reply.question().text(), reply.verdict()));
    }
    return lines.toString();
  }
}
