package io.deem.training.data;

import io.deem.random.RandomSource;
import io.deem.text.prompt.PromptBatch;
import io.deem.text.prompt.QuestionPrompts;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Learns answers to questions. */
record QuestionTask(Wording wording) implements PreparedTask<QuestionPrompts.Question<SeenImage>> {

  @Override
  public Optional<QuestionPrompts.Question<SeenImage>> prepare(
      Sample sample, Eyes eyes, RandomSource random) throws IOException {
    if (!(sample instanceof Sample.Question question) || question.answers().isEmpty()) {
      return Optional.empty();
    }
    String text = Texts.plain("question", question.text());
    String answer = Texts.plain("answer", mostFrequent(question.answers()));
    SeenImage image = eyes.see(question.image(), random);
    return Optional.of(new QuestionPrompts.Question<>(image, text, answer));
  }

  /** What most annotators say; the earliest of these where several are said as often. */
  static String mostFrequent(List<String> answers) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    answers.forEach(answer -> counts.merge(answer, 1, Integer::sum));
    int most = counts.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
    List<String> candidates = new ArrayList<>(counts.keySet());
    candidates.removeIf(answer -> counts.get(answer) < most);
    return candidates.get(0);
  }

  @Override
  public Rows rows(
      List<QuestionPrompts.Question<SeenImage>> prepared, BatchFormat format, RandomSource random) {
    if (wording == Wording.REFERENCE) {
      return Rows.of(new QuestionPrompts(format.prompts()).train(prepared));
    }
    PromptText text = new PromptText(format);
    prepared.forEach(each -> text.addAnswer(each.image(), each.text(), each.answer()));
    return Rows.of(text.batch(PromptBatch.Objective.TEXT));
  }
}
