package io.deem.training.evaluation;

import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Perceiver;
import io.deem.training.data.ImageSource;
import io.deem.training.data.JsonFileItems;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Visual Dialog (Das et al. 2017): the answers that could come next, ranked. */
public final class VisDial {

  private VisDial() {}

  /**
   * A question in a dialogue.
   *
   * @param text the caption and the rounds before, as the model is asked
   * @param relevance of each option, 0 to 1, or empty where nobody judged
   * @param right index of the true answer
   */
  public record Round(
      String id,
      ImageSource image,
      String text,
      List<String> options,
      List<Double> relevance,
      int right) {

    /** Copies the lists. */
    public Round {
      options = List.copyOf(options);
      relevance = List.copyOf(relevance);
    }
  }

  /**
   * How a model ranks.
   *
   * @param ndcg mean over the rounds that people judged, with its interval
   * @param sparse by the true answer alone
   */
  public record Result(Interval ndcg, DialogScores sparse) {}

  /**
   * Reads the published {@code visdial_1.0_val.json} and the dense annotations; asked are the
   * rounds that have these.
   *
   * @param imageFolder with {@code VisualDialog_val2018_ID.jpg}, twelve digits
   */
  public static List<Round> read(Path dialogs, Path dense, Path imageFolder) throws IOException {
    Map<String, JsonFileItems.Entry> judged = new HashMap<>();
    for (JsonFileItems.Entry entry : JsonFileItems.list(dense, imageFolder)) {
      judged.put(entry.id("image_id"), entry);
    }
    JsonFileItems.Entry data = JsonFileItems.object(dialogs, imageFolder).object("data");
    List<String> questions = data.texts("questions");
    List<String> answers = data.texts("answers");
    List<Round> rounds = new ArrayList<>();
    for (JsonFileItems.Entry dialog : data.objects("dialogs")) {
      String id = dialog.id("image_id");
      JsonFileItems.Entry judgement = judged.get(id);
      if (judgement == null) {
        continue;
      }
      rounds.add(round(id, dialog, judgement, questions, answers));
    }
    return rounds;
  }

  private static Round round(
      String id,
      JsonFileItems.Entry dialog,
      JsonFileItems.Entry judgement,
      List<String> questions,
      List<String> answers)
      throws IOException {
    int number = judgement.index("round_id", 1 << 10);
    List<JsonFileItems.Entry> turns = dialog.objects("dialog");
    if (number < 1 || number > turns.size()) {
      throw new IOException("dialogue " + id + ": no round " + number);
    }
    StringBuilder text = new StringBuilder("caption: " + dialog.text("caption") + ". ");
    for (JsonFileItems.Entry turn : turns.subList(0, number - 1)) {
      text.append("question: ")
          .append(questions.get(turn.index("question", questions.size())))
          .append("? answer: ")
          .append(answers.get(turn.index("answer", answers.size())))
          .append(". ");
    }
    JsonFileItems.Entry asked = turns.get(number - 1);
    text.append("question: ")
        .append(questions.get(asked.index("question", questions.size())))
        .append('?');
    List<String> options = new ArrayList<>();
    for (int option : asked.indices("answer_options", answers.size())) {
      options.add(answers.get(option));
    }
    String name = String.format(Locale.ROOT, "VisualDialog_val2018_%012d.jpg", Long.parseLong(id));
    return new Round(
        id,
        dialog.picture(name),
        text.toString(),
        options,
        judgement.numbers("gt_relevance"),
        asked.index("gt_index", options.size()));
  }

  /** Lets a model rank the options of all rounds. */
  public static Result measure(
      Perceiver perceiver, List<Round> rounds, long seed, Cancellation cancellation)
      throws IOException {
    List<Integer> truths = new ArrayList<>();
    double[] ndcgs = new double[rounds.size()];
    for (int i = 0; i < ndcgs.length; i++) {
      cancellation.check();
      Round round = rounds.get(i);
      // The same answer may be offered twice.
      List<String> distinct = List.copyOf(new LinkedHashSet<>(round.options));
      Map<String, Double> scores = new HashMap<>();
      for (Choice choice : perceiver.choose(round.image.read(), round.text, distinct)) {
        scores.put(choice.text(), choice.logProbability());
      }
      int[] ranks = DialogScores.ranks(round.options.stream().mapToDouble(scores::get).toArray());
      truths.add(ranks[round.right]);
      ndcgs[i] =
          DialogScores.ndcg(
              ranks, round.relevance.stream().mapToDouble(Double::doubleValue).toArray());
    }
    return new Result(Interval.ofMean(ndcgs, seed), DialogScores.of(truths));
  }
}
