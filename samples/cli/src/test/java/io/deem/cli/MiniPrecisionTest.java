package io.deem.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Image;
import io.deem.Precision;
import io.deem.mini.Concept;
import io.deem.mini.DeemMini;
import io.deem.mini.EmojiCorpus;
import io.deem.mini.SceneBenchmark;
import io.deem.mini.SceneBenchmark.Asked;
import io.deem.mini.Vocabulary;
import io.deem.model.ModelFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A trained model in few bits, and asked by many. */
class MiniPrecisionTest {

  private static final Path EMOJI = Path.of("..", "deem-mini", "data", "emoji");

  /** Of 500 questions of what is there, 99.8 and 98.6 % agree; about minimal pairs, fewer. */
  @ParameterizedTest
  @CsvSource({"INT8, 0.98", "INT4, 0.9"})
  void answersAgreeWithThoseIn32Bits(Precision precision, double share) throws IOException {
    List<Asked> questions = questions();
    List<String> whole = answers(questions, Precision.FP32);
    List<String> few = answers(questions, precision);
    int same = 0;
    for (int i = 0; i < whole.size(); i++) {
      same += whole.get(i).equals(few.get(i)) ? 1 : 0;
    }
    assertTrue(
        same >= share * whole.size(), precision + " agrees on " + same + " of " + whole.size());
  }

  private static List<Asked> questions() throws IOException {
    EmojiCorpus corpus =
        EmojiCorpus.openStyle(EMOJI.resolve("concepts.jsonl"), EMOJI.resolve("noto.tar"));
    List<Concept> known =
        new TrainedConcepts(corpus.concepts())
            .of(ModelFolder.describe(DeemMini.folder().resolve("deem.json")).provenance(), null);
    SceneBenchmark scenes =
        new SceneBenchmark(corpus, corpus.styles().iterator().next(), Vocabulary.of(known), 64, 5);
    List<Asked> questions = new ArrayList<>();
    for (SceneBenchmark.Kind kind : SceneBenchmark.Kind.values()) {
      if (!kind.id().startsWith("presence")) {
        continue;
      }
      scenes.ask(kind, 12).stream()
          .filter(asked -> asked.question().options().contains("yes"))
          .forEach(questions::add);
    }
    assertTrue(questions.size() >= 20, questions.size() + " questions");
    return questions;
  }

  private static List<String> answers(List<Asked> questions, Precision precision)
      throws IOException {
    List<String> answers = new ArrayList<>();
    try (Deem deem = DeemMini.open(DeemOptions.defaults().withPrecision(precision))) {
      for (Asked asked : questions) {
        Image picture =
            Image.ofRgb(asked.picture().width(), asked.picture().height(), asked.picture().rgb());
        answers.add(
            deem.perceiver()
                .choose(picture, asked.question().text(), asked.question().options())
                .get(0)
                .text());
      }
    }
    return answers;
  }

  @Test
  void manyCallersAreToldTheSame() {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        DeemCommand.run(
            new PrintWriter(out, true),
            new PrintWriter(err, true),
            "soak",
            "--callers",
            "16",
            "--requests",
            "3",
            "--cancelled",
            "5");
    assertEquals(0, code, out + err.toString());
    assertTrue(out.toString().contains("0 of 48 answers differ"), out.toString());
  }
}
