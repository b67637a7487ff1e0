package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuestionsTest {

  private static final int SCENES = 400;

  /** Which way up an object is is asked only where a scene was made for it. */
  private static final Set<QuestionKind> ASKED_OF_ANY_SCENE =
      EnumSet.complementOf(EnumSet.of(QuestionKind.ORIENTATION));

  /** All seen concepts, so that similar ones and every grammatical number occur. */
  private static final Vocabulary ALL = Vocabulary.of(TestCorpus.CORPUS.concepts().seen());

  private static final SceneGenerator TRAINING =
      SceneGenerator.training(11, TestCorpus.CORPUS, ALL, SceneConfig.training());
  private static final Questions QUESTIONS = new Questions(ALL, 5);

  @ParameterizedTest
  @EnumSource(Negative.class)
  void presenceIsBalancedAndNeverDenesWhatCouldBeClaimed(Negative kind) {
    int asked = 0;
    for (int i = 0; i < SCENES; i++) {
      Scene scene = TRAINING.scene(i);
      List<Question> pair = QUESTIONS.presence(scene, kind);
      if (pair.isEmpty()) {
        assertEquals(Negative.ADVERSARIAL, kind);
        continue;
      }
      asked++;
      assertEquals(List.of("yes", "no"), pair.stream().map(Question::answer).toList());
      checkPresence(scene, pair.get(0));
      checkPresence(scene, pair.get(1));
      Concept absent = pair.get(1).concepts().get(0);
      if (kind == Negative.ADVERSARIAL) {
        assertTrue(
            scene.objects().stream()
                .anyMatch(o -> o.concept().subcategory().equals(absent.subcategory())));
      }
      if (kind == Negative.POPULAR) {
        assertTrue(ALL.byPopularity().indexOf(absent) < 120, absent.id());
      }
    }
    assertTrue(asked > 0.95 * SCENES, asked + " scenes asked about");
  }

  private static void checkPresence(Scene scene, Question question) {
    Concept concept = question.concepts().get(0);
    boolean shown = scene.objects().stream().anyMatch(o -> o.concept().equals(concept));
    boolean similar =
        scene.objects().stream().anyMatch(o -> o.concept().similar().contains(concept.id()));
    assertEquals(shown, question.answer().equals("yes"), question.text());
    assertFalse(similar && question.answer().equals("no"), question.text());
  }

  @Test
  void countsHold() {
    Set<String> answers = new HashSet<>();
    eachQuestion(
        QuestionKind.COUNT,
        (scene, question) -> {
          long count =
              scene.objects().stream()
                  .filter(o -> o.concept().equals(question.concepts().get(0)))
                  .count();
          assertEquals(Phrases.NUMBERS.get((int) count), question.answer());
          answers.add(question.answer());
        });
    assertTrue(answers.size() >= 3, answers.toString());
    eachQuestion(
        QuestionKind.COUNT_OBJECTS,
        (scene, question) ->
            assertEquals(Phrases.NUMBERS.get(scene.objects().size()), question.answer()));
  }

  @Test
  void colorsHoldInTheSceneSStyle() {
    eachQuestion(
        QuestionKind.COLOR,
        (scene, question) ->
            assertEquals(
                question.concepts().get(0).appearances().get(scene.style()).colors(),
                List.of(question.answer())));
    eachQuestion(
        QuestionKind.COLOR_CHECK,
        (scene, question) -> {
          Concept.Appearance look = question.concepts().get(0).appearances().get(scene.style());
          String named = lastWord(question);
          assertTrue(Concept.COLOR_NAMES.contains(named), question.text());
          if (question.answer().equals("yes")) {
            assertEquals(List.of(named), look.colors());
          } else {
            assertTrue(look.colorShares().getOrDefault(named, 0.0) <= 0.02, question.text());
          }
        });
  }

  @Test
  void relationsHoldByTheMiddlesOfTheObjects() {
    eachQuestion(
        QuestionKind.RELATION_CHECK,
        (scene, question) -> {
          PlacedObject a = object(scene, question.concepts().get(0)).orElseThrow();
          PlacedObject b = object(scene, question.concepts().get(1)).orElseThrow();
          double apart =
              switch (direction(question)) {
                case LEFT -> b.x() - a.x();
                case RIGHT -> a.x() - b.x();
                case ABOVE -> b.y() - a.y();
                case BELOW -> a.y() - b.y();
              };
          assertTrue(Math.abs(apart) >= 0.15, question.text());
          assertEquals(apart > 0, question.answer().equals("yes"), question.text());
        });
    eachQuestion(
        QuestionKind.RELATION,
        (scene, question) -> {
          PlacedObject anchor = object(scene, question.concepts().get(0)).orElseThrow();
          Direction direction = direction(question);
          List<PlacedObject> there =
              scene.objects().stream()
                  .filter(o -> !o.equals(anchor) && direction.distance(o, anchor) > 0)
                  .toList();
          assertEquals(1, there.size(), question.text());
          assertEquals(question.answer(), there.get(0).concept().label());
          assertTrue(direction.distance(there.get(0), anchor) >= 0.15);
        });
  }

  @Test
  void wrongOptionsCouldNotBeClaimedForTheAnswer() {
    for (QuestionKind kind : List.of(QuestionKind.WHAT, QuestionKind.RELATION)) {
      eachQuestion(
          kind,
          (scene, question) -> {
            assertEquals(4, question.options().size());
            assertEquals(4, Set.copyOf(question.options()).size());
            Concept answer = labelled(question.answer());
            for (String option : question.options()) {
              assertTrue(
                  option.equals(question.answer()) || !labelled(option).confusableWith(answer));
            }
          });
    }
  }

  @Test
  void yesAndNoAreBalancedInEveryKindAndInTraining() {
    for (QuestionKind kind : ASKED_OF_ANY_SCENE) {
      if (kind.yesNo()) {
        int[] yesAndAll = new int[2];
        eachQuestion(
            kind,
            (scene, question) -> {
              yesAndAll[0] += question.answer().equals("yes") ? 1 : 0;
              yesAndAll[1]++;
            });
        assertEquals(yesAndAll[1], 2 * yesAndAll[0], kind.name());
      }
    }
    int yes = 0;
    int no = 0;
    Set<QuestionKind> kinds = new HashSet<>();
    for (int i = 0; i < SCENES; i++) {
      for (Question question : QUESTIONS.draw(TRAINING.scene(i), 3)) {
        kinds.add(question.kind());
        yes += question.answer().equals("yes") ? 1 : 0;
        no += question.answer().equals("no") ? 1 : 0;
      }
    }
    assertEquals(0.5, yes / (double) (yes + no), 0.05);
    assertEquals(ASKED_OF_ANY_SCENE, kinds);
  }

  @Test
  void questionsFollowFromSeedAndScene() {
    Questions again = new Questions(ALL, 5);
    for (int i = 0; i < 100; i++) {
      Scene scene = TRAINING.scene(i);
      assertEquals(QUESTIONS.draw(scene, 4), again.draw(scene, 4));
      for (Negative kind : Negative.values()) {
        assertEquals(QUESTIONS.presence(scene, kind), again.presence(scene, kind));
      }
    }
    assertThrows(
        IllegalArgumentException.class, () -> QUESTIONS.draw(TRAINING.scene(0), 1, Map.of()));
  }

  @Test
  void questionsReadAsEnglish() {
    Concepts concepts = TestCorpus.CORPUS.concepts();
    assertEquals("Is there a dog in the image?", presence(concepts.get("dog")));
    assertEquals("Is there an apple in the image?", presence(concepts.get("apple")));
    assertEquals("Are there grapes in the image?", presence(concepts.get("grapes")));
    assertEquals("Is there butter in the image?", presence(concepts.get("butter")));
    assertEquals("Is the kaaba in the image?", presence(concepts.get("kaaba")));
    assertEquals("Is tokyo tower in the image?", presence(concepts.get("tokyo-tower")));
    eachQuestion(
        QuestionKind.COLOR,
        (scene, question) ->
            assertTrue(
                question.text().matches("What color (is|are) (the |tokyo tower).*\\?"),
                question.text()));
  }

  private static String presence(Concept concept) {
    return Phrases.presenceQuestion(concept);
  }

  private interface Check {
    void check(Scene scene, Question question);
  }

  private static void eachQuestion(QuestionKind kind, Check check) {
    int[] asked = new int[1];
    Consumer<Scene> ask =
        scene ->
            QUESTIONS
                .all(scene, kind)
                .forEach(
                    question -> {
                      assertEquals(kind, question.kind());
                      check.check(scene, question);
                      asked[0]++;
                    });
    for (int i = 0; i < SCENES; i++) {
      ask.accept(TRAINING.scene(i));
    }
    assertTrue(asked[0] > 50, kind + " asked " + asked[0] + " times");
  }

  private static Optional<PlacedObject> object(Scene scene, Concept concept) {
    List<PlacedObject> found =
        scene.objects().stream().filter(o -> o.concept().equals(concept)).toList();
    return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
  }

  private static Concept labelled(String label) {
    return ALL.concepts().stream().filter(c -> c.label().equals(label)).findFirst().orElseThrow();
  }

  private static Direction direction(Question question) {
    for (Direction direction : Direction.values()) {
      if (question.text().contains(" " + direction.words() + " ")) {
        return direction;
      }
    }
    throw new AssertionError(question.text());
  }

  private static String lastWord(Question question) {
    String text = question.text();
    return text.substring(text.lastIndexOf(' ') + 1, text.length() - 1);
  }
}
