package io.deem.text.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.random.RandomSource;
import io.deem.random.StoredDraws;
import io.deem.text.LlamaTokenizer;
import io.deem.text.LlamaTokenizer.Mode;
import io.deem.text.SpecialTokens;
import io.deem.text.TokenizerFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the reference's stored batches do not show: limits, refusals, long streams. */
class PromptsTest {

  private static final int TOKENS = 3;
  private static LlamaTokenizer tokenizer;

  @BeforeAll
  static void open() throws IOException {
    try (var in = PromptsTest.class.getResourceAsStream("/tokenizer/tokenizer.json")) {
      String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      tokenizer =
          LlamaTokenizer.of(
              TokenizerFile.parse("tokenizer.json", json)
                  .withAddedTokens(SpecialTokens.IMAGE)
                  .withAddedTokens(SpecialTokens.GROUNDING),
              Mode.LEGACY);
    }
  }

  private static PromptFormat format(int longest) {
    return new PromptFormat(tokenizer, TOKENS, longest);
  }

  @Test
  void whatIsPutInIsNotATemplate() {
    PromptTemplate template = PromptTemplate.CHOICE_EVALUATION;
    String filled = template.fill(Map.of("image", "I", "question", "a {image} $1?"));
    assertTrue(filled.contains("question. Ia {image} $1? \n"), filled);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> template.fill(Map.of("question", "why?")));
    assertEquals("the template has {image}, for which there is no value", e.getMessage());
  }

  @Test
  void robustQuestionsComeInPythonsOrder() {
    List<RobustQuestions.Labelled<String>> images =
        List.of(
            new RobustQuestions.Labelled<>("a", "cat", "dog"),
            new RobustQuestions.Labelled<>("b", "bus", "car"),
            new RobustQuestions.Labelled<>("c", "cup", "pot"));
    // random.seed(8823); order = list(range(6)); random.shuffle(order)
    int[] order = {4, 1, 2, 3, 0, 5};
    List<QuestionPrompts.Question<String>> questions = RobustQuestions.presence(images);
    assertEquals(6, questions.size());
    for (int i = 0; i < order.length; i++) {
      RobustQuestions.Labelled<String> image = images.get(order[i] / 2);
      boolean right = order[i] % 2 == 0;
      assertEquals(image.image(), questions.get(i).image());
      assertEquals(right ? "yes" : "no", questions.get(i).answer());
      assertEquals(
          "Is "
              + (right ? image.name() : image.wrongName())
              + " the main object in this image? Please anwser yes or no",
          questions.get(i).text());
    }
    // ... images = list(range(3)); shuffle; then sample([right, wrong], 2) for each
    List<String> choices =
        RobustQuestions.choice(images).stream()
            .map(question -> question.text().replaceAll(".*list:", ""))
            .toList();
    assertEquals(List.of("[car, bus]", "[dog, cat]", "[cup, pot]"), choices);
    assertEquals(
        "Is there a dog? Please anwser yes or no",
        RobustQuestions.hallucination("Is there a dog?"));
  }

  @Test
  void aBoxHasThreeDigitsAndNoTurnedSides() {
    assertEquals("(001,002)(030,999)", new GroundingPrompts.Box(1, 2, 30, 999).toString());
    assertThrows(IllegalArgumentException.class, () -> new GroundingPrompts.Box(5, 0, 4, 9));
  }

  @Test
  void groundingRowsArePackedUpToTheLimit() {
    GroundingPrompts prompts = new GroundingPrompts(format(200));
    List<PromptBatch<String>> rows = new ArrayList<>();
    RegionMask mask = RegionMask.whole(2, 2);
    for (int i = 0; i < 6; i++) {
      GroundingPrompts.Region<String> region =
          new GroundingPrompts.Region<>(
              "i" + i, mask, new GroundingPrompts.Box(1, 2, 3, 4), "region " + i);
      rows.add(
          prompts.train(
              List.of(GroundingPrompts.Task.GROUNDING),
              List.of(region),
              false,
              RandomSource.seeded(i)));
    }
    List<PromptBatch<String>> packed = prompts.pack(rows);
    assertTrue(packed.size() > 1);
    int images = 0;
    int tokens = 0;
    for (PromptBatch<String> row : packed) {
      assertTrue(row.text().length() <= 200, "a row of " + row.text().length());
      assertEquals(row.text().length(), row.labels().length);
      images += row.images().size();
      tokens += row.text().length();
    }
    assertEquals(6, images);
    assertEquals(rows.stream().mapToInt(row -> row.text().length()).sum(), tokens);
  }

  @Test
  void packedSequencesLoseNothingAndCutNoImage() {
    RandomSource random = RandomSource.seeded(3);
    DocumentWriter writer =
        new DocumentWriter(format(2048), new DocumentWriter.Options(0.2, 4, 0.5));
    List<Document<Integer>> documents = new ArrayList<>();
    int image = 0;
    while (documents.size() < 60) {
      List<DocumentWriter.Picture<Integer>> pictures = new ArrayList<>();
      for (int i = random.uniformInt(5); i >= 0; i--) {
        pictures.add(new DocumentWriter.Picture<>(image++, random.uniformInt(3), random.uniform()));
      }
      writer
          .interleaved(List.of("A first one.", "then", "and the last"), pictures, random)
          .ifPresent(documents::add);
    }
    for (DocumentPacker.Cut cut : DocumentPacker.Cut.values()) {
      for (int most : new int[] {0, 1, 3}) {
        packed(documents, most, cut);
      }
    }
  }

  private static void packed(List<Document<Integer>> documents, int most, DocumentPacker.Cut cut) {
    PromptFormat format = format(37);
    long[] stream = documents.stream().flatMapToLong(d -> Arrays.stream(d.ids())).toArray();
    List<Integer> images = documents.stream().flatMap(d -> d.images().stream()).toList();
    Iterator<PackedSequence<Integer>> sequences =
        new DocumentPacker(format, most, cut).pack(documents.iterator());
    int at = 0;
    int seen = 0;
    while (sequences.hasNext()) {
      PackedSequence<Integer> sequence = sequences.next();
      long[] ids = sequence.ids();
      assertTrue(ids.length <= 37);
      assertArrayEquals(Arrays.copyOfRange(stream, at, at + ids.length), ids);
      at += ids.length;
      int starts = (int) Arrays.stream(ids).filter(id -> id == 32_000).count();
      int tokens = (int) Arrays.stream(ids).filter(id -> id == 32_001).count();
      assertEquals(TOKENS * starts, tokens);
      assertTrue(most == 0 || starts <= most);
      assertEquals(images.subList(seen, seen + starts), sequence.images());
      seen += starts;
      int[] starting = IntStream.range(0, ids.length).filter(i -> ids[i] == 32_000).toArray();
      for (int i = 0; i < starts; i++) {
        int begin = sequence.nearestBegins()[i];
        assertTrue(begin == 0 || (ids[begin] == 1 && begin < starting[i]));
      }
    }
    assertTrue(stream.length - at < 37, "left over: " + (stream.length - at));
  }

  @Test
  void sequencesTooShortForAnImageAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new DocumentPacker(format(4), 0, DocumentPacker.Cut.IMAGE));
  }

  @Test
  void aLongCaptionIsCutBeforeItsImage() {
    DocumentWriter writer = new DocumentWriter(format(12), DocumentWriter.Options.PRETRAINING);
    List<String> caption = List.of("A very long", "caption that does not fit into so few tokens");
    long[] last = writer.captioned("i", caption, new StoredDraws().thenUniform(0.9f)).ids();
    assertArrayEquals(
        new long[] {32_000, 32_001, 32_001, 32_001, 2}, Arrays.copyOfRange(last, 7, 12));
    long[] first = writer.captioned("i", caption, new StoredDraws().thenUniform(0.1f)).ids();
    assertEquals(12, first.length);
    assertEquals(32_000, first[1]);
  }

  @Test
  void anEmptyTurnStopsAndAForcedImageFollows() {
    PromptFormat format = format(2048);
    GenerationDocument<String> document =
        GenerationDocument.of(
            format, List.of("Look:"), List.of("photo"), new int[] {0}, List.of(false));
    GenerationDocument.Continued<String> next =
        document.continued(format, new long[] {1, 2}, true, "grey");
    assertTrue(next.stopped());
    assertTrue(next.imageNext());
    assertEquals(List.of("photo", "grey"), next.document().document().images());
    assertEquals(1, next.document().targetImage());
    assertEquals(0, document.targetImage());
    assertThrows(
        IllegalArgumentException.class,
        () -> GenerationDocument.of(format, List.of("a"), List.of(), new int[0], List.of()));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            GenerationDocument.of(
                format, List.of("a"), List.of("i"), new int[] {1}, List.of(true)));
  }
}
