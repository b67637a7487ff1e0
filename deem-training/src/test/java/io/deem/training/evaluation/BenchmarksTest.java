package io.deem.training.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Answer;
import io.deem.Cancellation;
import io.deem.Choice;
import io.deem.Description;
import io.deem.GenerationOptions;
import io.deem.Image;
import io.deem.Perceiver;
import io.deem.ProgressListener;
import io.deem.TextListener;
import io.deem.training.data.DataSet;
import io.deem.training.data.DataSets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mockito.Mockito;

class BenchmarksTest {

  @TempDir Path folder;

  @BeforeEach
  void pictures() throws IOException {
    for (String name : List.of("1", "2", "red", "blue")) {
      int color = name.equals("blue") || name.equals("2") ? 2 : 0;
      byte[] rgb = new byte[12];
      for (int i = color; i < rgb.length; i += 3) {
        rgb[i] = (byte) 255;
      }
      Image.ofRgb(2, 2, rgb).write(folder.resolve(name + ".jpg"));
    }
  }

  /** Says what colour a picture has; no model, but it can be right and wrong. */
  private abstract static class ColourReader implements Perceiver {

    /** A reader that cannot draw. */
    static Perceiver reader() {
      return Mockito.mock(ColourReader.class, Mockito.CALLS_REAL_METHODS);
    }

    private static String colour(Image image) {
      return image.rgb(0, 0) == 0xff0000 ? "red" : "blue";
    }

    @Override
    public Description describe(Image image, GenerationOptions options, TextListener listener) {
      return new Description("a " + colour(image) + " thing", 1, 3, Duration.ZERO);
    }

    @Override
    public Answer ask(
        Image image, String question, GenerationOptions options, TextListener listener) {
      boolean yes = question.contains(colour(image));
      return new Answer(yes ? "Yes, it is." : "No.", 1, 2, Duration.ZERO);
    }

    @Override
    public List<Choice> choose(Image image, String question, List<String> options) {
      List<Choice> choices = new ArrayList<>();
      for (String option : options) {
        boolean right =
            List.of("yes", "no").contains(option)
                ? option.equals("yes") == question.contains(colour(image))
                : option.contains(colour(image));
        choices.add(new Choice(option, right ? -0.1 : -3, right ? 0.9 : 0.1));
      }
      choices.sort((a, b) -> Double.compare(b.logProbability(), a.logProbability()));
      return choices;
    }
  }

  private List<Answered> ask(List<Item> items, Scorer scorer) throws IOException {
    return new Questioner(ColourReader.reader(), scorer, true)
        .ask(items, ProgressListener.NONE, new Cancellation());
  }

  @Test
  void popeIsReadAsPublished() throws IOException {
    Path file = folder.resolve("coco_pope_random.json");
    Files.writeString(
        file,
        """
        {"question_id": 1, "image": "red.jpg", "text": "Is there a red in the image?", "label": "yes"}
        {"question_id": 2, "image": "red.jpg", "text": "Is there a blue in the image?", "label": "no"}
        {"question_id": 3, "image": "blue.jpg", "text": "Is there a red in the image?", "label": "yes"}
        """);
    List<Item> items = Pope.read(file, folder, "random");
    List<Answered> answers = ask(items, Scorer.POPE);
    for (AnswerMode mode : AnswerMode.values()) {
      KindResult result = KindResult.of("random", answers, mode, KindResult.Counting.QUESTIONS, 1);
      assertEquals(3, result.n());
      assertEquals(2 / 3.0, result.accuracy().mean(), 1e-12);
      assertEquals(new YesNoScores(1, 0, 1, 1), result.yesNo().orElseThrow());
      assertTrue(result.accuracy().low() <= 2 / 3.0 && result.accuracy().high() >= 2 / 3.0);
    }
    Files.writeString(file, "{\"question_id\": 1, \"image\": \"../x.jpg\", \"text\": \"\"}\n");
    IOException e = assertThrows(IOException.class, () -> Pope.read(file, folder, "random"));
    assertTrue(e.getMessage().contains("leads out of the folder"), e.getMessage());
  }

  @Test
  void popeIsBuiltFromInstances() throws IOException {
    Path file = folder.resolve("instances.json");
    StringBuilder images = new StringBuilder();
    StringBuilder annotations = new StringBuilder();
    // Things 1 to 3 are in both pictures, 4 with them in one; 5 to 9 are alone in others.
    int[][] shown = {{1, 2, 3, 4}, {1, 2, 3}, {5, 6, 7, 8, 9}, {5}, {5}};
    int id = 0;
    for (int i = 0; i < shown.length; i++) {
      images
          .append(i == 0 ? "" : ",")
          .append("{\"id\": " + i + ", \"file_name\": \"" + i + ".jpg\"}");
      for (int category : shown[i]) {
        annotations
            .append(id == 0 ? "" : ",")
            .append("{\"id\": " + id++ + ", \"image_id\": " + i + ", \"category_id\": " + category)
            .append(", \"bbox\": [0, 0, 1, 1], \"segmentation\": []}");
      }
    }
    StringBuilder categories = new StringBuilder();
    for (int i = 1; i <= 9; i++) {
      categories
          .append(i == 1 ? "" : ",")
          .append("{\"id\": " + i + ", \"name\": \"thing" + i + "\"}");
    }
    Files.writeString(
        file,
        "{\"images\": ["
            + images
            + "], \"annotations\": ["
            + annotations
            + "], \"categories\": ["
            + categories
            + "]}");
    try (DataSet instances = DataSets.cocoInstances(file, folder, true)) {
      for (Pope.Way way : Pope.Way.values()) {
        List<Item> items = Pope.build(instances, way, 10, 3);
        assertEquals(
            items.stream().map(Item::text).toList(),
            Pope.build(instances, way, 10, 3).stream().map(Item::text).toList());
        assertEquals(3 * 6, items.size());
        assertEquals(9, items.stream().filter(item -> item.answer().equals("yes")).count());
      }
      List<String> adversarial =
          Pope.build(instances, Pope.Way.ADVERSARIAL, 10, 3).stream()
              .filter(item -> item.id().startsWith("1.jpg") && item.answer().equals("no"))
              .map(Item::text)
              .toList();
      assertEquals("Is there a thing4 in the image?", adversarial.get(0));
      List<String> popular =
          Pope.build(instances, Pope.Way.POPULAR, 10, 3).stream()
              .filter(item -> item.id().startsWith("1.jpg") && item.answer().equals("no"))
              .map(Item::text)
              .toList();
      assertEquals("Is there a thing5 in the image?", popular.get(0));
    }
  }

  @Test
  void pairsCountOnlyAsAWhole() throws IOException {
    Path file = folder.resolve("Questions.csv");
    Files.writeString(
        file,
        """
        Index,Question,Options,Correct Answer
        1,"Which colour, please?",(a) red (b) blue,(a)
        2,"Which colour, please?",(a) red (b) blue,(b)
        """);
    List<Item> items = Mmvp.read(file, folder);
    assertEquals("Which colour, please?", items.get(0).text());
    KindResult result =
        KindResult.of(
            "mmvp", ask(items, Scorer.EXTRACTED), AnswerMode.OPTION, KindResult.Counting.GROUPS, 1);
    assertEquals(1, result.n());
    assertEquals(1, result.accuracy().mean());
    Files.writeString(file, Files.readString(file).replace(",(b)\n", ",(a)\n"));
    result =
        KindResult.of(
            "mmvp",
            ask(Mmvp.read(file, folder), Scorer.EXTRACTED),
            AnswerMode.OPTION,
            KindResult.Counting.GROUPS,
            1);
    assertEquals(0, result.accuracy().mean());
  }

  @Test
  void robustVqaKeepsWhatTheContrastiveModelConfuses() throws IOException {
    Path classes = Files.createDirectory(folder.resolve("classes"));
    for (String name : List.of("red_thing", "blue_thing")) {
      Files.createDirectory(classes.resolve(name));
      Files.copy(folder.resolve("red.jpg"), classes.resolve(name).resolve("a.jpg"));
    }
    // It takes everything for the first class, "blue thing".
    Path predictions = folder.resolve("predictions.json");
    Files.writeString(
        predictions, "[{\"file_name\": \"red_thing/a.jpg\", \"prediction\": \"blue_thing\"}]");
    List<Item> told = RobustVqa.build(classes, predictions);
    assertEquals(
        Set.of(
            "Is red thing the main object in this image? Please anwser yes or no yes",
            "Is blue thing the main object in this image? Please anwser yes or no no"),
        told.stream().map(item -> item.text() + " " + item.answer()).collect(Collectors.toSet()));
    List<Item> items = RobustVqa.build(classes, (image, texts) -> new double[] {2, 1});
    Set<String> questions = new HashSet<>();
    items.forEach(item -> questions.add(item.text() + " " + item.answer()));
    assertEquals(
        Set.of(
            "Is red thing the main object in this image? Please anwser yes or no yes",
            "Is blue thing the main object in this image? Please anwser yes or no no"),
        questions);
  }

  @Test
  void dialoguesAreRanked() throws IOException {
    Path dialogs = folder.resolve("dialogs.json");
    Path dense = folder.resolve("dense.json");
    Files.copy(folder.resolve("red.jpg"), folder.resolve("VisualDialog_val2018_000000000007.jpg"));
    Files.writeString(
        dialogs,
        """
        {"version": "1.0", "data": {"questions": ["what is it", "which colour"],
         "answers": ["a thing", "it is blue", "it is red", "no"],
         "dialogs": [{"image_id": 7, "caption": "a picture", "dialog": [
           {"question": 0, "answer": 0, "answer_options": [0, 1, 2], "gt_index": 0},
           {"question": 1, "answer_options": [1, 2, 3, 1], "gt_index": 1}]}]}}
        """);
    Files.writeString(
        dense, "[{\"image_id\": 7, \"round_id\": 2, \"gt_relevance\": [0, 1, 0, 0]}]");
    List<VisDial.Round> rounds = VisDial.read(dialogs, dense, folder);
    assertEquals(
        "caption: a picture. question: what is it? answer: a thing. question: which colour?",
        rounds.get(0).text());
    VisDial.Result result = VisDial.measure(ColourReader.reader(), rounds, 1, new Cancellation());
    assertEquals(1, result.ndcg().mean());
    assertEquals(1, result.sparse().meanRank());
  }

  @Test
  void intervalsAreSeededAndPaired() {
    double[] hard = new double[400];
    double[] easy = new double[400];
    for (int i = 0; i < hard.length; i++) {
      hard[i] = i % 2;
      // Always right where the other is, and on every tenth besides.
      easy[i] = Math.max(hard[i], i % 10 == 0 ? 1 : 0);
    }
    Interval first = Interval.ofMean(hard, 5);
    assertEquals(first, Interval.ofMean(hard, 5));
    // The normal approximation: 1.96 * sqrt(0.25 / 400) = 0.049.
    assertEquals(0.451, first.low(), 0.006);
    assertEquals(0.549, first.high(), 0.006);
    Interval difference = Interval.ofDifference(easy, hard, 5);
    assertEquals(0.1, difference.mean(), 1e-12);
    assertTrue(difference.low() > 0.06 && difference.high() < 0.14, difference.toString());
  }

  @Test
  void captionsAreTokenisedWithoutPunctuation() {
    assertEquals(
        "a man 's dog does n't run 2.5 miles",
        CaptionScores.tokens("A man's dog doesn't run 2.5 miles..."));
    assertEquals("a t-shirt and a hat", CaptionScores.tokens("A t-shirt, and a \"hat\"!"));
  }

  @Test
  void theReportShowsPlotsConfusionsAndPictures() throws IOException {
    List<Item> items =
        List.of(
            new Item(
                "1",
                "k<1>",
                "1",
                () -> Image.read(folder.resolve("red.jpg")),
                "Is it blue?",
                List.of("yes", "no"),
                List.of("yes")));
    List<Answered> answers = ask(items, Scorer.EXTRACTED);
    HtmlReport report = new HtmlReport("A & B", List.of("seed 1"));
    report.add(
        List.of(
            KindResult.of("k<1>", answers, AnswerMode.OPTION, KindResult.Counting.QUESTIONS, 1)),
        answers);
    Path file = folder.resolve("report.html");
    report.write(file);
    String html = Files.readString(file);
    assertTrue(html.contains("A &amp; B") && html.contains("k&lt;1&gt;"), html);
    assertTrue(html.contains("<svg") && html.contains("data:image/png;base64,"), html);
    assertTrue(html.contains("likeliest: no 90.0 %"), html);
  }
}
