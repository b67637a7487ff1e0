package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SceneGeneratorTest {

  private static final int SCENES = 1000;

  @Test
  void aSceneFollowsFromSeedAndIndexWhateverTheThreads() {
    List<Scene> parallel =
        LongStream.range(0, 200).parallel().mapToObj(TestCorpus.training(7)::scene).toList();
    SceneGenerator again = TestCorpus.training(7);
    for (int i = 199; i >= 0; i--) {
      Scene scene = again.scene(i);
      assertEquals(scene.objects(), parallel.get(i).objects());
      assertEquals(scene.ground(), parallel.get(i).ground());
      assertArrayEquals(scene.picture().rgb(), parallel.get(i).picture().rgb());
    }
    assertNotEquals(
        again.scene(0).objects(), TestCorpus.training(8).scene(0).objects(), "another seed");
    assertNotEquals(again.scene(0).objects(), again.scene(1).objects(), "another index");
  }

  @Test
  void objectsLieWithinTheCanvasAndHardlyOverlap() {
    SceneGenerator scenes = TestCorpus.training(1);
    Map<Integer, Integer> counts = new HashMap<>();
    for (int i = 0; i < SCENES; i++) {
      List<PlacedObject> objects = scenes.scene(i).objects();
      counts.merge(objects.size(), 1, Integer::sum);
      for (PlacedObject a : objects) {
        Box box = a.box();
        assertTrue(box.left() >= 0 && box.top() >= 0 && box.right() <= 1 && box.bottom() <= 1);
        assertEquals(box.centerX(), a.x());
        assertEquals(box.centerY(), a.y());
        assertTrue(a.size() >= 0.1 && a.size() <= 0.7, "size " + a.size());
        assertTrue(Math.abs(a.degrees()) <= 15);
        for (PlacedObject b : objects) {
          assertTrue(a.equals(b) || box.overlap(b.box()) <= 0.1, "scene " + i);
        }
      }
    }
    assertEquals(4, counts.size(), counts.toString());
    assertTrue(counts.values().stream().allMatch(n -> n > SCENES / 8), counts.toString());
  }

  @Test
  void objectsAreWhereTheSceneSaysAndStandOutFromTheGround() {
    SceneConfig plain =
        SceneConfig.standard().withPatternedShare(0).withCountWeights(0.0, 0.0, 1.0);
    for (EmojiStyle style : EmojiStyle.values()) {
      SceneGenerator scenes =
          SceneGenerator.evaluation(3, TestCorpus.CORPUS, style, TestCorpus.VOCABULARY, plain);
      int faint = 0;
      for (int i = 0; i < 200; i++) {
        Scene scene = scenes.scene(i);
        int[] distance = distanceFromGround(scene);
        for (PlacedObject object : scene.objects()) {
          int[] inside = inside(distance, object.box());
          faint += Arrays.stream(inside).filter(d -> d > 60).count() * 8 < inside.length ? 1 : 0;
        }
        for (int p = 0; p < distance.length; p++) {
          int pixel = p;
          if (distance[p] > 12) {
            assertTrue(
                scene.objects().stream().anyMatch(o -> near(o.box(), pixel)),
                style + " scene " + i + ": ink outside the boxes");
          }
        }
      }
      assertTrue(faint <= 30, style.id() + ": " + faint + " of 600 objects hardly show");
    }
  }

  @Test
  void trainingShowsSeenConceptsInTrainingStylesOnly() {
    SceneGenerator scenes = TestCorpus.training(2);
    for (int i = 0; i < SCENES; i++) {
      Scene scene = scenes.scene(i);
      assertTrue(scene.style().trained());
      assertTrue(scene.objects().stream().allMatch(o -> o.concept().seen()));
    }
    List<Concept> withUnseen = new ArrayList<>(TestCorpus.VOCABULARY.concepts());
    withUnseen.add(TestCorpus.CORPUS.concepts().get("strawberry"));
    Vocabulary vocabulary = Vocabulary.of(withUnseen);
    assertThrows(
        IllegalArgumentException.class,
        () -> SceneGenerator.training(1, TestCorpus.CORPUS, vocabulary, SceneConfig.training()));
  }

  @Test
  void conceptsOfASceneCannotBeTakenForOneAnother() {
    SceneGenerator scenes =
        SceneGenerator.training(
            5,
            TestCorpus.CORPUS,
            Vocabulary.of(TestCorpus.CORPUS.concepts().seen()),
            SceneConfig.training());
    int repeated = 0;
    for (int i = 0; i < SCENES; i++) {
      List<Scene.Group> groups = scenes.scene(i).groups();
      for (Scene.Group a : groups) {
        repeated += a.count() > 1 ? 1 : 0;
        assertTrue(a.count() == 1 || a.concept().countable());
        for (Scene.Group b : groups) {
          assertTrue(a.equals(b) || !a.concept().confusableWith(b.concept()));
        }
      }
    }
    assertTrue(repeated > SCENES / 20, "scenes with several of a kind: " + repeated);
  }

  @Test
  void popularConceptsComeMoreOftenAndCategoriesKeepCompany() {
    SceneGenerator scenes = TestCorpus.training(4);
    Map<Concept, Integer> seen = new HashMap<>();
    int related = 0;
    int pairs = 0;
    for (int i = 0; i < SCENES; i++) {
      List<Scene.Group> groups = scenes.scene(i).groups();
      groups.forEach(g -> seen.merge(g.concept(), 1, Integer::sum));
      if (groups.size() == 2) {
        pairs++;
        Concept first = groups.get(0).concept();
        related += first.category().equals(groups.get(1).concept().category()) ? 1 : 0;
      }
    }
    List<Concept> ranked = TestCorpus.VOCABULARY.byPopularity();
    int head = ranked.subList(0, 20).stream().mapToInt(c -> seen.getOrDefault(c, 0)).sum();
    int tail =
        ranked.subList(ranked.size() - 20, ranked.size()).stream()
            .mapToInt(c -> seen.getOrDefault(c, 0))
            .sum();
    assertTrue(head > 2 * tail, head + " against " + tail);
    assertTrue(related > 0.3 * pairs, related + " related of " + pairs);
  }

  @Test
  void stylesDrawTheSameConceptsForASeed() {
    for (int i = 0; i < 100; i++) {
      List<Concept> noto = concepts(TestCorpus.evaluation(9, EmojiStyle.NOTO).scene(i));
      assertEquals(noto, concepts(TestCorpus.evaluation(9, EmojiStyle.OPENMOJI_BLACK).scene(i)));
    }
  }

  @Test
  void evaluationDiffersFromTrainingForTheSameSeed() {
    SceneGenerator training = TestCorpus.training(1);
    SceneGenerator evaluation = TestCorpus.evaluation(1, EmojiStyle.NOTO);
    long same =
        LongStream.range(0, 100)
            .filter(i -> concepts(training.scene(i)).equals(concepts(evaluation.scene(i))))
            .count();
    assertTrue(same < 5, same + " scenes of the same concepts");
  }

  @Test
  void drawsOnOtherCanvases() {
    for (int canvas : new int[] {96, 128}) {
      Scene scene =
          SceneGenerator.training(
                  1,
                  TestCorpus.CORPUS,
                  TestCorpus.VOCABULARY,
                  SceneConfig.training().withCanvas(canvas))
              .scene(0);
      assertEquals(canvas, scene.picture().width());
      assertEquals(TestCorpus.training(1).scene(0).objects(), scene.objects());
      float[] planes = new float[3 * canvas * canvas];
      scene.picture().toPlanes(planes, 0);
      byte[] rgb = scene.picture().rgb();
      assertEquals((rgb[3 * 77 + 2] & 0xff) / 255f, planes[2 * canvas * canvas + 77]);
    }
  }

  @Test
  void stronglyColoredScenesNameNoColor() {
    SceneGenerator strong =
        SceneGenerator.training(
            1,
            TestCorpus.CORPUS,
            TestCorpus.VOCABULARY,
            SceneConfig.training().withJitter(new ColorJitter(1, 60, 6, 0.4, 0.1)));
    for (int i = 0; i < 200; i++) {
      assertTrue(strong.scene(i).objects().stream().allMatch(o -> o.color().isEmpty()));
    }
    boolean named = false;
    for (int i = 0; i < 200; i++) {
      Scene scene = TestCorpus.evaluation(1, EmojiStyle.TWEMOJI).scene(i);
      for (PlacedObject object : scene.objects()) {
        assertEquals(object.concept().color(EmojiStyle.TWEMOJI), object.color());
        named |= object.color().isPresent();
      }
    }
    assertTrue(named);
  }

  @Test
  void rejectsSettingsOutOfRange() {
    SceneConfig standard = SceneConfig.standard();
    assertThrows(IllegalArgumentException.class, () -> standard.withCanvas(4));
    assertThrows(IllegalArgumentException.class, () -> standard.withCountWeights(0.0));
    assertThrows(IllegalArgumentException.class, () -> standard.withPatternedShare(1.5));
    assertThrows(IllegalArgumentException.class, () -> new ColorJitter(2, 0, 0, 0, 0));
    assertThrows(
        IllegalArgumentException.class,
        () -> Vocabulary.of(TestCorpus.VOCABULARY.concepts().subList(0, 3)));
    assertFalse(EmojiStyle.FLUENT.trained());
  }

  private static List<Concept> concepts(Scene scene) {
    return scene.objects().stream().map(PlacedObject::concept).toList();
  }

  /** Sum of the channels' distances from a plain ground, for each pixel. */
  private static int[] distanceFromGround(Scene scene) {
    byte[] rgb = scene.picture().rgb();
    int ground = scene.ground().first();
    int[] distance = new int[rgb.length / 3];
    for (int i = 0; i < rgb.length; i++) {
      distance[i / 3] += Math.abs((rgb[i] & 0xff) - (ground >> (16 - 8 * (i % 3)) & 0xff));
    }
    return distance;
  }

  private static int[] inside(int[] distance, Box box) {
    List<Integer> values = new ArrayList<>();
    for (int i = 0; i < distance.length; i++) {
      double x = column(i);
      double y = row(i);
      if (x > box.left() && x < box.right() && y > box.top() && y < box.bottom()) {
        values.add(distance[i]);
      }
    }
    return values.stream().mapToInt(Integer::intValue).toArray();
  }

  private static double column(int pixel) {
    return (Math.floorMod(pixel, 64) + 0.5) / 64;
  }

  private static double row(int pixel) {
    int row = Math.floorDiv(pixel, 64);
    return (row + 0.5) / 64;
  }

  private static boolean near(Box box, int pixel) {
    double x = column(pixel);
    double y = row(pixel);
    double slack = 1.6 / 64;
    return x > box.left() - slack
        && x < box.right() + slack
        && y > box.top() - slack
        && y < box.bottom() + slack;
  }
}
