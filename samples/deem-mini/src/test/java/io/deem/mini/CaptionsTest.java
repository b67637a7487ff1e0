package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.mini.Ground.Pattern;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CaptionsTest {

  private static final Concepts CONCEPTS = TestCorpus.CORPUS.concepts();

  @Test
  void listsFromLeftToRightWithArticlesAndNumbers() {
    assertEquals("a dog", plain(object("dog", 0.5, 0.5, null)));
    assertEquals(
        "an apple and two dogs",
        plain(
            object("dog", 0.8, 0.2, null),
            object("apple", 0.2, 0.2, null),
            object("dog", 0.8, 0.8, null)));
    assertEquals(
        "grapes, butter and the kaaba",
        plain(
            object("grapes", 0.1, 0.2, null),
            object("butter", 0.4, 0.2, null),
            object("kaaba", 0.8, 0.8, null)));
  }

  @Test
  void mentionsColorsAndRelationsSometimes() {
    Set<String> captions = new HashSet<>();
    for (int seed = 0; seed < 200; seed++) {
      captions.add(
          new Captions(seed)
              .caption(scene(object("carrot", 0.2, 0.5, "orange"), object("dog", 0.8, 0.6, null))));
    }
    assertEquals(
        Set.of(
            "a carrot and a dog",
            "an orange carrot and a dog",
            "a carrot to the left of a dog",
            "an orange carrot to the left of a dog"),
        captions);
  }

  @Test
  void saysNothingAboutUnclearRelations() {
    for (int seed = 0; seed < 100; seed++) {
      assertEquals(
          "a carrot and a dog",
          new Captions(seed)
              .caption(scene(object("carrot", 0.45, 0.5, null), object("dog", 0.5, 0.6, null))));
    }
  }

  @Test
  void trainingCaptionsNameEveryObjectAndOnlyTrueColors() {
    Vocabulary all = Vocabulary.of(CONCEPTS.seen());
    SceneGenerator scenes =
        SceneGenerator.training(6, TestCorpus.CORPUS, all, SceneConfig.training());
    Captions captions = new Captions(1);
    boolean inRow = false;
    for (int i = 0; i < 300; i++) {
      Scene scene = scenes.scene(i);
      String caption = captions.caption(scene);
      assertEquals(caption, captions.caption(scene));
      for (Scene.Group group : scene.groups()) {
        Concept concept = group.concept();
        String name = group.count() == 1 ? concept.label() : concept.plural().orElseThrow();
        assertTrue(caption.contains(name), caption + " lacks " + name);
        Optional<String> color = group.color();
        for (String other : Concept.COLOR_NAMES) {
          assertFalse(
              caption.contains(" " + other + " " + name) && !color.equals(Optional.of(other)),
              caption);
        }
      }
      assertFalse(caption.matches(".*\\ba (?!one-|euro )[aeio].*"), caption);
      inRow |= caption.endsWith(" from left to right");
    }
    assertTrue(inRow);
  }

  private static String plain(PlacedObject... objects) {
    return Captions.plain(scene(objects));
  }

  private static Scene scene(PlacedObject... objects) {
    return new Scene(
        0,
        EmojiStyle.NOTO,
        new Raster(1, 1, new byte[3]),
        List.of(objects),
        new Ground(Pattern.PLAIN, 0, 0, 1, 0, 0));
  }

  private static PlacedObject object(String id, double x, double y, String color) {
    Box box = new Box(x - 0.1, y - 0.1, x + 0.1, y + 0.1);
    return new PlacedObject(CONCEPTS.get(id), x, y, 0.2, 0, box, Optional.ofNullable(color));
  }
}
