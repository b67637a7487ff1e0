package io.deem.training.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Image;
import io.deem.model.InterleavedBatch;
import io.deem.model.Prompts;
import io.deem.text.prompt.DocumentWriter;
import io.deem.text.prompt.PromptFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchSourceTest {

  private static final int TOKENS = 3;
  private static final int SEEN = 8;
  private static final int DRAWN = 4;
  private static final Bytes TOKENIZER = new Bytes();
  private static final BatchFormat FORMAT =
      new BatchFormat(
          new PromptFormat(TOKENIZER, TOKENS, 600),
          new Prompts("{image}A photo of", "{image}{question} Answer:"),
          new InterleavedBatch.Special(
              Bytes.BEGIN, Bytes.END, 31_999, Bytes.IMAGE_START, Bytes.IMAGE, TOKENS),
          SEEN,
          DRAWN);

  @TempDir Path folder;

  @BeforeEach
  void pictures() throws IOException {
    for (int i = 0; i < 20; i++) {
      byte[] rgb = new byte[16 * 12 * 3];
      for (int k = 0; k < rgb.length; k++) {
        rgb[k] = (byte) (31 * i + k);
      }
      Image.ofRgb(16, 12, rgb).write(folder.resolve(i + ".png"));
    }
  }

  private DataSet data(String name, String pattern, int count) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < count; i++) {
      lines.append(pattern.replace("#", Integer.toString(i))).append('\n');
    }
    Path file = Files.writeString(folder.resolve(name + ".jsonl"), lines.toString());
    return DataSets.jsonl(file, folder);
  }

  private DataSet questions(int count) throws IOException {
    return data(
        "questions",
        "{\"id\": \"q#\", \"image\": \"#.png\", \"question\": \"number #?\", \"answer\": \"it is"
            + " #\"}",
        count);
  }

  private DataSet captions(int count) throws IOException {
    return data(
        "captions", "{\"id\": \"c#\", \"image\": \"#.png\", \"caption\": \"thing #\"}", count);
  }

  private static BatchSource source(DataSet data, Task task, int batchSize) {
    return new BatchSource(List.of(new BatchSource.Part(data, task, 1, batchSize)), FORMAT, 7);
  }

  /** What is learnt of a row, as text. */
  private static List<String> learnt(Batch batch) {
    List<StringBuilder> rows = new ArrayList<>();
    for (int row = 0; row < batch.tokens().rows(); row++) {
      rows.add(new StringBuilder());
    }
    for (int i = 0; i < batch.targets().targets().length; i++) {
      int row = (int) (batch.targets().places()[i] / batch.tokens().length());
      rows.get(row).append(TOKENIZER.decode(new long[] {batch.targets().targets()[i]}, true));
    }
    return rows.stream().map(StringBuilder::toString).toList();
  }

  private static String text(Batch batch, int row) {
    long[] ids = batch.tokens().ids();
    long[] ofRow = new long[batch.tokens().length()];
    System.arraycopy(ids, row * ofRow.length, ofRow, 0, ofRow.length);
    return TOKENIZER.decode(ofRow, true);
  }

  // ---------------------------------------------------------------- order

  @Test
  void anEpochHasEverySampleOnceInAnotherOrder() {
    for (long size : new long[] {1, 2, 3, 17, 1000}) {
      Set<Long> seen = new HashSet<>();
      for (long place = 0; place < size; place++) {
        seen.add(SampleOrder.at(size, 5, 0, place));
      }
      assertEquals(size, seen.size());
      assertTrue(seen.stream().allMatch(index -> index >= 0 && index < size));
    }
    long moved = 0;
    for (long place = 0; place < 1000; place++) {
      moved += SampleOrder.at(1000, 5, 0, place) == SampleOrder.at(1000, 5, 1, place) ? 0 : 1;
    }
    assertTrue(moved > 980, moved + " of 1000 are elsewhere in the next epoch");
    long large = SampleOrder.at(1L << 40, 5, 0, 12345);
    assertTrue(large >= 0 && large < 1L << 40);
  }

  @Test
  void aMixtureKeepsItsWeightsInEveryStretch() {
    MixtureOrder order = new MixtureOrder(new double[] {2, 1, 1e-9}, 3);
    Map<Integer, Set<Long>> turns = new HashMap<>();
    for (long place = 0; place < 10 * MixtureOrder.BLOCK; place++) {
      MixtureOrder.Turn turn = order.at(place);
      assertTrue(turns.computeIfAbsent(turn.part(), p -> new HashSet<>()).add(turn.turn()));
    }
    assertEquals(2 / 3.0, turns.get(0).size() / (10.0 * MixtureOrder.BLOCK), 0.002);
    assertEquals(10, turns.get(2).size());
    // Each part's turns follow one another without gaps.
    for (Set<Long> ofPart : turns.values()) {
      assertEquals(ofPart.size(), ofPart.stream().mapToLong(Long::longValue).max().orElse(-1) + 1);
    }
    assertEquals(order.at(4321), new MixtureOrder(new double[] {2, 1, 1e-9}, 3).at(4321));
  }

  @Test
  void batchesAreTheSameForAnyThreadsAndFromAnyPosition() throws IOException {
    List<BatchSource.Part> parts =
        List.of(
            new BatchSource.Part(
                questions(13),
                Tasks.questions(Wording.MODEL),
                2,
                3,
                Augmentation.COLORS.withSmallestCrop(0.5).withFlip(0.5)),
            new BatchSource.Part(captions(11), Tasks.drawing(Wording.REFERENCE), 1, 2));
    List<List<String>> runs = new ArrayList<>();
    List<float[]> pixels = new ArrayList<>();
    for (int threads : new int[] {1, 3}) {
      BatchSource source = new BatchSource(parts, FORMAT, 7);
      BatchLoader.Options options = BatchLoader.Options.DEFAULT.withThreads(threads);
      List<String> seen = new ArrayList<>();
      try (BatchLoader loader = new BatchLoader(source, 0, options)) {
        for (int i = 0; i < 12; i++) {
          Batch batch = loader.next();
          seen.add(batch.dataSet() + batch.samples() + text(batch, 0));
          if (i == 9) {
            pixels.add(batch.images());
          }
        }
        assertEquals(12, loader.position());
      }
      runs.add(seen);
    }
    assertEquals(runs.get(0), runs.get(1));
    assertArrayEquals(pixels.get(0), pixels.get(1));
    BatchSource source = new BatchSource(parts, FORMAT, 7);
    try (BatchLoader loader = new BatchLoader(source, 9, BatchLoader.Options.DEFAULT)) {
      Batch tenth = loader.next();
      assertEquals(runs.get(0).get(9), tenth.dataSet() + tenth.samples() + text(tenth, 0));
      assertArrayEquals(pixels.get(0), tenth.images());
    }
    Batch other = new BatchSource(parts, FORMAT, 8).batch(0);
    assertNotEquals(runs.get(0).get(0), other.dataSet() + other.samples() + text(other, 0));
  }

  @Test
  void anEpochOfBatchesShowsEverySampleOnce() throws IOException {
    BatchSource source = source(captions(12), Tasks.captions(Wording.MODEL), 4);
    Set<String> shown = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      shown.addAll(source.batch(i).samples());
    }
    assertEquals(12, shown.size());
  }

  // ---------------------------------------------------------------- broken items

  @Test
  void aBrokenItemIsReplacedCountedAndNamed() throws IOException {
    DataSet data = data("broken", "{\"image\": \"#.png\", \"caption\": \"thing #\"}", 19);
    Files.writeString(folder.resolve("7.png"), "no picture");
    BatchSource source = source(data, Tasks.captions(Wording.MODEL), 19);
    BatchLoader.Options options = BatchLoader.Options.DEFAULT.withMostBroken(0.2);
    try (BatchLoader loader = new BatchLoader(source, 0, options)) {
      Batch batch = loader.next();
      assertEquals(19, batch.samples().size());
      assertFalse(batch.imageNames().contains("7.png"));
      assertTrue(loader.brokenCount() >= 1);
      assertEquals(1, loader.broken().size());
      String named = loader.broken().get(0).toString();
      assertTrue(named.startsWith("broken.jsonl item 8: 7.png: "), named);
    }
    try (BatchLoader loader = new BatchLoader(source, 0, BatchLoader.Options.DEFAULT)) {
      IOException e = assertThrows(IOException.class, loader::next);
      assertTrue(e.getMessage().contains("samples are broken, more than 1 %"), e.getMessage());
      assertTrue(e.getMessage().contains("7.png"), e.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"<|sniffer|>", "</s>", "<box>", "   "})
  void aTextThatWouldBeObeyedIsBroken(String text) throws IOException {
    DataSet data =
        data(
            "special",
            "{\"image\": \"#.png\", \"question\": \"What "
                + text
                + "\", \"answer\": \""
                + text
                + "\"}",
            1);
    BatchSource source = source(data, Tasks.questions(Wording.MODEL), 1);
    IOException e = assertThrows(IOException.class, () -> source.batch(0));
    assertTrue(e.getMessage().contains("none of 1000 samples can be learnt from"), e.getMessage());
  }

  @Test
  void aTaskOfAnotherKindSaysSo() throws IOException {
    BatchSource source = source(captions(2), Tasks.questions(Wording.MODEL), 1);
    IOException e = assertThrows(IOException.class, () -> source.batch(0));
    assertTrue(e.getMessage().contains("of another kind"), e.getMessage());
  }

  // ---------------------------------------------------------------- tasks

  @Test
  void questionsTeachTheAnswer() throws IOException {
    for (Wording wording : Wording.values()) {
      Batch batch = source(questions(5), Tasks.questions(wording), 2).batch(0);
      for (int row = 0; row < 2; row++) {
        String number = batch.samples().get(row).substring(1);
        assertEquals("it is " + number + "</s>", learnt(batch).get(row).strip());
        assertTrue(text(batch, row).contains("number " + number + "?"));
      }
      assertTrue(batch.learnsText() && !batch.learnsImages());
      assertEquals(2 * 3 * SEEN * SEEN, batch.images().length);
      assertEquals(2 * 3 * DRAWN * DRAWN, batch.drawn().length);
      assertTrue(batch.regions().isEmpty());
    }
    Batch batch = source(questions(5), Tasks.questions(Wording.MODEL), 1).batch(0);
    String number = batch.samples().get(0).substring(1);
    assertEquals(
        "<s><|startofimage|><|sniffer|><|sniffer|><|sniffer|>number "
            + number
            + "? Answer:it is "
            + number
            + "</s>",
        text(batch, 0));
  }

  @Test
  void captionsTeachToDescribeAndToDraw() throws IOException {
    Batch described = source(captions(5), Tasks.captions(Wording.MODEL), 1).batch(0);
    String number = described.samples().get(0).substring(1);
    assertEquals(List.of("thing " + number + "</s>"), learnt(described));
    Batch drawn = source(captions(5), Tasks.drawing(Wording.REFERENCE), 3).batch(0);
    assertTrue(drawn.learnsImages() && !drawn.learnsText());
    assertEquals(0, drawn.targets().targets().length);
    assertEquals(3, drawn.tokens().images());
    Batch seen = source(captions(5), Tasks.pictures(), 2).batch(0);
    assertFalse(seen.learnsImages() || seen.learnsText());
    assertEquals("<s><|startofimage|><|sniffer|><|sniffer|><|sniffer|>", text(seen, 0));
  }

  @Test
  void regionsHaveMasksAndBoxes() throws IOException {
    DataSet data =
        data(
            "regions",
            "{\"image\": \"#.png\", \"region\": {\"box\": [4, 0, 8, 6]}, \"description\": \"part"
                + " #\"}",
            5);
    Batch grounded = source(data, Tasks.grounding(), 1).batch(0);
    // 4/16 and 12/16 of 999, 6/12 of 999, halves to even.
    assertEquals(List.of("<box>(250,000)(749,500)</box></s>"), learnt(grounded));
    Batch referred = source(data, Tasks.referring(), 1).batch(0);
    assertTrue(learnt(referred).get(0).matches(" part \\d</s>"), learnt(referred).toString());
    assertEquals(2, referred.imageCount());
    float[] masks = referred.regions().orElseThrow();
    for (int i = 0; i < SEEN * SEEN; i++) {
      assertEquals(1, masks[i]);
      int x = i % SEEN;
      int y = i / SEEN;
      boolean inside = x >= 2 && x < 6 && y < 4;
      assertEquals(inside ? 1 : 0, masks[SEEN * SEEN + i], x + ", " + y);
    }
  }

  @Test
  void aFlipMovesMasksAndBoxesAlong() throws IOException {
    DataSet data =
        data(
            "flipped",
            "{\"image\": \"#.png\", \"region\": {\"box\": [0, 0, 4, 12]}, \"description\": \"part"
                + " #\"}",
            5);
    BatchSource source =
        new BatchSource(
            List.of(
                new BatchSource.Part(data, Tasks.grounding(), 1, 1, Augmentation.NONE.withFlip(1))),
            FORMAT,
            7);
    assertEquals(List.of("<box>(749,000)(999,999)</box></s>"), learnt(source.batch(0)));
    Batch plain = source(data, Tasks.grounding(), 1).batch(0);
    float[] mirrored = source.batch(0).images();
    for (int i = 0; i < mirrored.length; i++) {
      int other = i / SEEN * SEEN + SEEN - 1 - i % SEEN;
      // The filter of the resize is symmetric up to rounding to eight bits.
      assertEquals(plain.images()[other], mirrored[i], 2 / 255f);
    }
  }

  @Test
  void conversationsTeachTheirAnswers() throws IOException {
    DataSet data =
        data(
            "turns",
            "{\"image\": \"#.png\", \"regions\": [{\"box\": [0, 0, 8, 12]}], \"turns\": [{\"user\":"
                + " \"<mask> What is <mask>?\"}, {\"assistant\": \"part #\"}]}",
            5);
    Batch batch = source(data, Tasks.conversations(), 2).batch(0);
    assertEquals(4, batch.imageCount());
    assertTrue(learnt(batch).get(0).matches("(?s)## user.*## asistant: part \\d\n</s>"));
    assertTrue(batch.regions().isPresent());
    DataSet wrong =
        data(
            "wrong",
            "{\"image\": \"#.png\", \"turns\": [{\"user\": \"What?\"}, {\"assistant\": \"part"
                + " #\"}]}",
            5);
    IOException e =
        assertThrows(IOException.class, () -> source(wrong, Tasks.conversations(), 1).batch(0));
    assertTrue(e.getMessage().contains("0 places for a picture and 0 regions"), e.getMessage());
  }

  @Test
  void documentsStandTogetherInRows() throws IOException {
    DataSet data =
        data(
            "documents",
            "{\"sentences\": [\"First #.\", \"Second.\"], \"images\": [{\"image\": \"#.png\", "
                + "\"sentence\": 0}, {\"image\": \"1.png\", \"sentence\": 1}]}",
            9);
    Batch batch = source(data, Tasks.documents(DocumentWriter.Options.PRETRAINING), 4).batch(0);
    assertEquals(8, batch.imageCount());
    assertEquals(1, batch.tokens().rows());
    assertTrue(batch.learnsText() && batch.learnsImages());
    assertEquals(5, text(batch, 0).split("<s>", -1).length);
    BatchFormat narrow =
        new BatchFormat(
            new PromptFormat(TOKENIZER, TOKENS, 16),
            FORMAT.wording(),
            FORMAT.special(),
            SEEN,
            DRAWN);
    BatchSource source =
        new BatchSource(
            List.of(
                new BatchSource.Part(
                    data, Tasks.documents(DocumentWriter.Options.PRETRAINING), 1, 4)),
            narrow,
            7);
    for (int i = 0; i < 5; i++) {
      // Whatever does not fit is cut before a picture; the batch itself checks that none is halved.
      Batch cut = source.batch(i);
      assertTrue(cut.tokens().length() <= 16);
      assertEquals(cut.imageCount(), cut.tokens().images());
    }
    Batch captioned = source(captions(5), Tasks.captionedPictures(0), 2).batch(0);
    // The text stands before its picture and so does not count.
    assertEquals(List.of("<|startofimage|></s><|startofimage|></s>"), learnt(captioned));
  }
}
