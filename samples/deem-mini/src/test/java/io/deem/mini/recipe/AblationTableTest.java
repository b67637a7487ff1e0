package io.deem.mini.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.mini.recipe.AblationTable.Cell;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AblationTableTest {

  private static JsonObject result(String arm, int repetition, String scores) {
    return JsonParser.parseString(
            """
            {"arm": "%s", "repetition": %d, "losses": {"text": %d}, "styles": {"fluent": {
              "nouns": 0.25, "kinds": {"robust": {"scores": %s}}}}}
            """
                .formatted(arm, repetition, repetition + 1, scores))
        .getAsJsonObject();
  }

  private static final AblationTable TABLE =
      new AblationTable(
          List.of(
              result("a", 0, "[1, 1, 1, 1]"),
              result("a", 1, "[1, 1, 0, 0]"),
              result("a", 2, "[1, 0, 0, 0]"),
              result("b", 0, "[0, 0, 0, 0]"),
              result("b", 1, "[0, 1, 0, 0]")));

  @Test
  void accuracyIsTheMeanOfRepetitionsAndTheirDeviation() {
    Cell cell = TABLE.accuracy("a", "fluent", "robust");
    assertEquals(7 / 12.0, cell.mean(), 1e-12);
    // Of 1, 0.5 and 0.25, whose mean is 7 / 12.
    assertEquals(Math.sqrt((25 + 1 + 16) / 144.0 / 2), cell.spread(), 1e-12);
    assertEquals(3, cell.repetitions());
    assertTrue(cell.low() <= cell.mean() && cell.mean() <= cell.high());
  }

  @Test
  void differenceIsOfTheSameQuestionsInCommonRepetitions() {
    assertEquals(Set.of(0, 1), TABLE.repetitions("a", "b"));
    Cell cell = TABLE.difference("a", "b", List.of("fluent"), "robust");
    // By question: 1 and 1, 1 and 0, 1 and 0, 1 and 0.
    assertEquals((1 + 0.5 + 0.5 + 0.5) / 4, cell.mean(), 1e-12);
    assertEquals(2, cell.repetitions());
    assertTrue(cell.low() >= 0.5 && cell.differs());
  }

  @Test
  void whatIsMissingIsNotANumber() {
    assertFalse(TABLE.has("c"));
    assertTrue(Double.isNaN(TABLE.accuracy("c", "fluent", "robust").mean()));
    assertEquals(2.0, TABLE.number("a", "losses", "text"), 1e-12);
    assertTrue(Double.isNaN(TABLE.number("a", "losses", "feedback")));
  }
}
