package io.deem.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuestionTest {

  @TempDir Path temporary;

  @Test
  void readsTheQuestionsOfEachPictureInOrder() throws IOException {
    Map<String, List<Question>> questions =
        Question.read(
            file(
                """
                # picture\tquestion\tanswer\toptions
                b.png\tIs there a dog in the image?\tno\t

                a.png\tWhat color is the car?\tred\tblue|red|green
                b.png\tIs there a cat in the image?\tyes\t
                """));
    assertEquals(List.of("b.png", "a.png"), List.copyOf(questions.keySet()));
    assertEquals(
        List.of(
            new Question("Is there a dog in the image?", "no", List.of()),
            new Question("Is there a cat in the image?", "yes", List.of())),
        questions.get("b.png"));
    assertEquals(
        List.of(new Question("What color is the car?", "red", List.of("blue", "red", "green"))),
        questions.get("a.png"));
  }

  @Test
  void saysWhichLineIsWrong() throws IOException {
    assertError("a.png\tIs there a dog?\tno\t\na.png\tIs there a cat?\tno\n", " line 2: expected");
    assertError("a.png\t\tno\t\n", " line 1: expected");
    assertError("a.png\tWhat color?\tpink\tblue|red\n", " line 1: the answer 'pink' is not among");
    assertError("# nothing\n", ": holds no question");
    Path missing = temporary.resolve("missing.tsv");
    IOException error = assertThrows(IOException.class, () -> Question.read(missing));
    assertEquals(missing + ": there is no such file", error.getMessage());
  }

  @Test
  void theQuickstartHasPicturesWithBothKindsOfAnswer() throws IOException {
    Path folder = Path.of("pictures");
    Map<String, List<Question>> questions = Question.read(folder.resolve("questions.tsv"));
    assertTrue(questions.size() >= 8, questions.size() + " pictures");
    for (Map.Entry<String, List<Question>> entry : questions.entrySet()) {
      assertTrue(Files.isRegularFile(folder.resolve(entry.getKey())), entry.getKey());
      List<String> answers = entry.getValue().stream().map(Question::answer).toList();
      assertTrue(answers.contains("yes") && answers.contains("no"), entry.toString());
      assertEquals(
          entry.getKey().contains("openmoji"), entry.getKey().startsWith("open-cc-by-sa/"));
    }
    try (Stream<Path> files = Files.walk(folder)) {
      assertEquals(
          questions.size(), files.filter(file -> file.toString().endsWith(".png")).count());
    }
  }

  private void assertError(String content, String expected) throws IOException {
    Path file = file(content);
    IOException error = assertThrows(IOException.class, () -> Question.read(file));
    assertTrue(error.getMessage().startsWith(file + expected), error.getMessage());
  }

  private Path file(String content) throws IOException {
    return Files.writeString(temporary.resolve("questions.tsv"), content);
  }
}
