package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.mini.SceneBenchmark.Asked;
import io.deem.mini.SceneBenchmark.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SceneBenchmarkTest {

  private static final int CANVAS = 64;

  @TempDir Path folder;

  private static SceneBenchmark benchmark(EmojiStyle style, long seed) {
    return new SceneBenchmark(TestCorpus.CORPUS, style, TestCorpus.VOCABULARY, CANVAS, seed);
  }

  @Test
  void everyKindIsAskedInEveryStyle() {
    for (EmojiStyle style : EmojiStyle.values()) {
      for (Kind kind : Kind.values()) {
        List<Asked> asked = benchmark(style, 3).ask(kind, 12);
        Set<Integer> groups = new HashSet<>();
        asked.forEach(each -> groups.add(each.group()));
        assertEquals(12, groups.size(), style.id() + " " + kind);
      }
    }
  }

  @Test
  void equalSeedsAskTheSame() {
    for (Kind kind : Kind.values()) {
      List<Asked> first = benchmark(EmojiStyle.FLUENT, 3).ask(kind, 6);
      List<Asked> again = benchmark(EmojiStyle.FLUENT, 3).ask(kind, 6);
      for (int i = 0; i < first.size(); i++) {
        assertEquals(first.get(i).question(), again.get(i).question());
        assertArrayEquals(first.get(i).picture().rgb(), again.get(i).picture().rgb());
      }
      List<Asked> other = benchmark(EmojiStyle.FLUENT, 4).ask(kind, 6);
      assertNotEquals(
          first.stream().map(Asked::question).toList(),
          other.stream().map(Asked::question).toList());
    }
  }

  @Test
  void yesAndNoAreBalanced() {
    for (Kind kind :
        List.of(
            Kind.PRESENCE_RANDOM,
            Kind.PRESENCE_POPULAR,
            Kind.PRESENCE_ADVERSARIAL,
            Kind.POSITION,
            Kind.ORIENTATION,
            Kind.ROBUST)) {
      List<Asked> asked = benchmark(EmojiStyle.NOTO, 5).ask(kind, 20);
      long yes = asked.stream().filter(each -> each.question().answer().equals("yes")).count();
      assertEquals(asked.size(), 2 * yes, kind.toString());
    }
  }

  /** Outside of the boxes that a property may change, a pair's pictures are equal to the pixel. */
  @Test
  void pairsDifferInOnePropertyAlone() {
    SceneGenerator scenes = TestCorpus.evaluation(8, EmojiStyle.TWEMOJI);
    MinimalPairs pairs = new MinimalPairs(TestCorpus.CORPUS, scenes, TestCorpus.VOCABULARY);
    for (MinimalPairs.Property property : MinimalPairs.Property.values()) {
      int found = 0;
      for (long index = 0; index < 60; index++) {
        SceneRandom random = SceneRandom.of("test", index);
        Optional<MinimalPairs.Pair> pair = pairs.pair(scenes.plan(index), property, random);
        if (pair.isEmpty()) {
          continue;
        }
        found++;
        Scene first = pair.get().first().scene();
        Scene second = pair.get().second().scene();
        assertEquals(pair.get().first().question().text(), pair.get().second().question().text());
        assertNotEquals(
            pair.get().first().question().answer(), pair.get().second().question().answer());
        List<PlacedObject> changed = new ArrayList<>(first.objects());
        changed.addAll(second.objects());
        if (property != MinimalPairs.Property.COLOR) {
          // What both scenes hold alike has not changed.
          List<PlacedObject> both = new ArrayList<>(first.objects());
          both.retainAll(second.objects());
          changed.removeAll(both);
          assertTrue(changed.size() <= 4, property + " changes " + changed.size());
        }
        assertFalse(Arrays.equals(first.picture().rgb(), second.picture().rgb()), property.name());
        assertEqualOutside(changed, first.picture(), second.picture());
      }
      assertTrue(found > 5, property + " was possible in " + found + " of 60 scenes");
    }
  }

  private static void assertEqualOutside(List<PlacedObject> changed, Raster a, Raster b) {
    byte[] first = a.rgb();
    byte[] second = b.rgb();
    for (int i = 0; i < CANVAS * CANVAS; i++) {
      double x = (i % CANVAS + 0.5) / CANVAS;
      int row = i / CANVAS;
      double y = (row + 0.5) / CANVAS;
      double edge = 3.0 / CANVAS;
      boolean inside =
          changed.stream()
              .map(PlacedObject::box)
              .anyMatch(
                  box ->
                      x > box.left() - edge
                          && x < box.right() + edge
                          && y > box.top() - edge
                          && y < box.bottom() + edge);
      for (int c = 0; c < 3 && !inside; c++) {
        assertEquals(first[3 * i + c], second[3 * i + c], "pixel " + i);
      }
    }
  }

  @Test
  void orientationIsAskedOnlyWhereItShows() {
    SceneGenerator scenes = TestCorpus.evaluation(8, EmojiStyle.NOTO);
    MinimalPairs pairs = new MinimalPairs(TestCorpus.CORPUS, scenes, TestCorpus.VOCABULARY);
    int oriented = 0;
    for (Concept concept : TestCorpus.VOCABULARY.concepts()) {
      Concept.Appearance appearance = concept.appearances().get(EmojiStyle.NOTO);
      if (pairs.isOriented(EmojiStyle.NOTO, concept)) {
        oriented++;
        assertTrue(
            appearance.asymmetry() >= 0.12 || appearance.maskAsymmetry() >= 0.20, concept.id());
      }
    }
    assertTrue(oriented > 20, oriented + " concepts show which way up they are");
  }

  @Test
  void whatIsConfusedIsNeverSimilar() {
    Confusions confusions =
        new Confusions(TestCorpus.CORPUS, EmojiStyle.FLUENT, TestCorpus.VOCABULARY);
    for (Concept concept : TestCorpus.VOCABULARY.concepts()) {
      assertFalse(concept.confusableWith(confusions.of(concept)), concept.id());
    }
  }

  /** A style of another name, in which half of the concepts are missing. */
  @Test
  void aFurtherStyleNeedsNothingButItsTarFile() throws IOException {
    byte[] noto = Files.readAllBytes(TestCorpus.FOLDER.resolve("noto.tar"));
    int at = 0;
    for (int member = 0; member < 780; member++) {
      int length = Integer.parseInt(new String(noto, at + 124, 11, StandardCharsets.US_ASCII), 8);
      at += 512 + (length + 511) / 512 * 512;
    }
    Path tar = folder.resolve("woodcut.tar");
    Files.write(tar, Arrays.copyOf(noto, at + 1024));
    byte[] ended = Files.readAllBytes(tar);
    Arrays.fill(ended, at, at + 1024, (byte) 0);
    Files.write(tar, ended);
    EmojiCorpus corpus = EmojiCorpus.openStyle(TestCorpus.FOLDER.resolve("concepts.jsonl"), tar);
    EmojiStyle style = corpus.styles().iterator().next();
    assertEquals("woodcut", style.id());
    assertFalse(style.trained());
    assertEquals(390, corpus.concepts().all().size());
    List<Concept> known = corpus.concepts().present(TestCorpus.VOCABULARY.ids());
    assertTrue(known.size() > 8 && known.size() < 120, known.size() + " concepts");
    SceneBenchmark benchmark = new SceneBenchmark(corpus, style, Vocabulary.of(known), CANVAS, 1);
    for (Kind kind : Kind.values()) {
      assertFalse(benchmark.ask(kind, 5).isEmpty(), kind.toString());
    }
  }
}
