package io.deem.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.random.RandomSource;
import io.deem.random.StoredDraws;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches over models small enough to know the right answer. */
class TextGenerationTest {

  private static final int END = 0;
  private static final int PAD = 9;

  /** The next token depends on the last one only; probabilities, not logarithms. */
  private static final class Markov extends RowsOfTokens {
    private final double[][] table;

    Markov(double[][] table, int[]... prompts) {
      super(prompts);
      this.table = table;
    }

    @Override
    float[] next(int[] tokens) {
      double[] row = table[tokens[tokens.length - 1]];
      float[] scores = new float[row.length];
      for (int i = 0; i < row.length; i++) {
        // An offset: scores need not be normalised.
        scores[i] = (float) (Math.log(row[i]) + 3);
      }
      return scores;
    }
  }

  /** 1 goes to 2, 2 to 3, and 3 ends; a prompt at 2 ends one token earlier than a prompt at 1. */
  private static final double[][] CHAIN = {
    {0.25, 0.25, 0.25, 0.25},
    {0.1, 0.1, 0.7, 0.1},
    {0.2, 0.1, 0.1, 0.6},
    {0.8, 0.1, 0.05, 0.05}
  };

  @Test
  void greedySearchTakesTheBestAndPadsWhatIsFinished() {
    Markov model = new Markov(CHAIN, new int[] {1}, new int[] {2});
    List<String> heard = new ArrayList<>();
    Generation generation =
        TextGeneration.generate(
            model,
            new int[][] {{1}, {2}},
            config().eosIds(END).build(),
            (step, tokens) -> heard.add(step + ":" + Arrays.toString(tokens)));
    assertArrayEquals(new int[][] {{1, 2, 3, END}, {2, 3, END, PAD}}, generation.sequences());
    assertArrayEquals(new int[] {2, 3}, generation.newTokens(0));
    assertArrayEquals(new int[] {3}, generation.newTokens(1));
    assertEquals(Math.log(0.7 * 0.6 * 0.8), generation.scores()[0], 1e-6);
    assertEquals(Math.log(0.6 * 0.8), generation.scores()[1], 1e-6);
    assertEquals(List.of(2, 2, 1), model.rowCounts);
    assertEquals(List.of("1:[2, 3]", "2:[3, 0]", "3:[0, 9]"), heard);
  }

  @Test
  void theMinimumLengthCountsThePrompt() {
    int[] text = greedy(config().eosIds(END).minLength(5), 2);
    // At 3 the end token would come; without it the next best is 1.
    assertArrayEquals(new int[] {3, 1, 2, 3}, text);
    assertArrayEquals(new int[] {3}, greedy(config().eosIds(END).minLength(2), 2));
  }

  @Test
  void everyEndTokenEnds() {
    assertArrayEquals(new int[] {2}, greedy(config().eosIds(END, 3), 1));
    assertArrayEquals(new int[] {2, 3, 0, 0, 0}, greedy(config().maxNewTokens(5), 1));
  }

  @Test
  void repetitionWeakensTokensOnceWhateverTheSign() {
    TokenScores processors = new TokenScores(config().repetitionPenalty(2).build());
    float[] scores = {-1, 4, 3, 0};
    processors.process(scores, new int[] {1, 0, 1, 3, 2}, 4);
    assertArrayEquals(new float[] {-2, 2, 3, 0}, scores);
  }

  @Test
  void theListenerCanEnd() {
    for (int beams : new int[] {1, 2}) {
      Generation generation =
          TextGeneration.generate(
              new Markov(CHAIN, new int[] {1}),
              new int[][] {{1}},
              config().numBeams(beams).maxNewTokens(20).build(),
              (step, tokens) -> step < 2);
      assertEquals(3, generation.sequences()[0].length);
      assertEquals(2, generation.newTokens(0).length);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, 0, 1, 2})
  void wideBeamsFindTheBestOfAllTexts(double lengthPenalty) {
    RandomSource random = RandomSource.seeded(17);
    for (int trial = 0; trial < 20; trial++) {
      double[][] table = new double[4][4];
      for (double[] row : table) {
        double sum = 0;
        for (int i = 0; i < row.length; i++) {
          row[i] = 0.02 + random.uniform();
          sum += row[i];
        }
        for (int i = 0; i < row.length; i++) {
          row[i] /= sum;
        }
      }
      Best best = new Best(table, lengthPenalty);
      best.search(new int[] {1, 2}, 0, 3);
      Generation generation =
          TextGeneration.generate(
              new Markov(table, new int[] {1, 2}),
              new int[][] {{1, 2}},
              config()
                  .numBeams(128)
                  .maxNewTokens(3)
                  .lengthPenalty(lengthPenalty)
                  .eosIds(END)
                  .build(),
              GenerationListener.NONE);
      assertEquals(best.score, generation.scores()[0], 1e-5);
      assertArrayEquals(
          Arrays.copyOfRange(best.tokens, 2, best.tokens.length), generation.newTokens(0));
    }
  }

  /** Tries every text. */
  private static final class Best {
    private final double[][] table;
    private final double lengthPenalty;
    private double score = Double.NEGATIVE_INFINITY;
    private int[] tokens;

    Best(double[][] table, double lengthPenalty) {
      this.table = table;
      this.lengthPenalty = lengthPenalty;
    }

    void search(int[] text, double sum, int left) {
      if (left == 0) {
        offer(text, sum);
        return;
      }
      double[] row = table[text[text.length - 1]];
      offer(text, sum + Math.log(row[END]));
      for (int token = 1; token < row.length; token++) {
        int[] longer = Arrays.copyOf(text, text.length + 1);
        longer[text.length] = token;
        search(longer, sum + Math.log(row[token]), left - 1);
      }
    }

    private void offer(int[] text, double sum) {
      double normalised = sum / Math.pow(text.length, lengthPenalty);
      if (normalised > score) {
        score = normalised;
        tokens = text;
      }
    }
  }

  @Test
  void returnedBeamsComeBestFirstAndEndWithTheFirstEndToken() {
    Generation generation =
        TextGeneration.generate(
            new Markov(CHAIN, new int[] {1}, new int[] {2}),
            new int[][] {{1}, {2}},
            config().numBeams(4).numReturnSequences(4).eosIds(3, END).maxNewTokens(6).build(),
            GenerationListener.NONE);
    assertEquals(8, generation.sequences().length);
    for (int prompt = 0; prompt < 2; prompt++) {
      for (int i = 1; i < 4; i++) {
        int row = prompt * 4 + i;
        assertTrue(generation.scores()[row] <= generation.scores()[row - 1]);
      }
    }
    for (int row = 0; row < 8; row++) {
      int[] sequence = generation.sequences()[row];
      int length = generation.textLengths()[row];
      if (length < sequence.length) {
        assertEquals(3, sequence[length]);
      }
      for (int i = length + 1; i < sequence.length; i++) {
        assertEquals(PAD, sequence[i]);
      }
    }
  }

  @Test
  void aFinishedPromptLeavesTheBatch() {
    // From 1 every text is long; from 2 it ends at once with certainty.
    double[][] table = {
      {0.25, 0.25, 0.25, 0.25},
      {0.0001, 0.5, 0.0001, 0.4998},
      {0.9997, 0.0001, 0.0001, 0.0001},
      {0.0001, 0.5, 0.0001, 0.4998}
    };
    Markov model = new Markov(table, new int[] {1}, new int[] {2});
    TextGeneration.generate(
        model,
        new int[][] {{1}, {2}},
        config().numBeams(2).earlyStopping(true).eosIds(END).maxNewTokens(4).build(),
        GenerationListener.NONE);
    assertEquals(2, model.rowCounts.get(0));
    assertEquals(4, model.rowCounts.get(1));
    assertEquals(2, model.rowCounts.get(model.rowCounts.size() - 1));
  }

  @Test
  void stockCandidatesCanRunOutWhereDeemsDoNot() {
    double[][] table = new double[8][8];
    for (double[] row : table) {
      Arrays.fill(row, 0.0001);
      Arrays.fill(row, 0, 4, 0.24990);
    }
    GenerationConfig.Builder builder =
        config().numBeams(2).eosIds(0, 1, 2, 3).minLength(0).maxNewTokens(3);
    IllegalStateException failure =
        assertThrows(
            IllegalStateException.class,
            () ->
                TextGeneration.generate(
                    new Markov(table, new int[] {5}),
                    new int[][] {{5}},
                    builder.candidateRule(CandidateRule.STOCK).build(),
                    GenerationListener.NONE));
    assertTrue(failure.getMessage().contains("candidates"), failure.getMessage());
    Generation generation =
        TextGeneration.generate(
            new Markov(table, new int[] {5}),
            new int[][] {{5}},
            builder.candidateRule(CandidateRule.DEEM).build(),
            GenerationListener.NONE);
    assertEquals(0, generation.newTokens(0).length);
  }

  @Test
  void drawsFollowTheProbabilities() {
    int[][] prompts = {{2}};
    int[] counts = new int[4];
    Generation generation =
        TextGeneration.generate(
            new Markov(CHAIN, prompts),
            prompts,
            config().maxNewTokens(1).numReturnSequences(20_000).sampling(1, 1, 5).build(),
            GenerationListener.NONE);
    for (int[] sequence : generation.sequences()) {
      counts[sequence[1]]++;
    }
    for (int token = 0; token < 4; token++) {
      assertEquals(CHAIN[2][token], counts[token] / 20_000.0, 0.015);
    }
  }

  @Test
  void theNucleusLeavesUnlikelyTokensOut() {
    // Of 0.6, 0.2, 0.1, 0.1 the first two reach 0.75; within them 0.6 / 0.8 is the first.
    assertEquals(3, drawn(0.75f, 1, 0.74f));
    assertEquals(0, drawn(0.75f, 1, 0.76f));
    assertEquals(0, drawn(0.75f, 1, 0.999f));
    assertEquals(3, drawn(0.1f, 1, 0.999f));
    // Equally likely tokens in their order.
    assertEquals(1, drawn(1, 1, 0.85f));
    assertEquals(2, drawn(1, 1, 0.95f));
    // At temperature 0.5 the first has 0.36 of 0.42.
    assertEquals(3, drawn(1, 0.5f, 0.85f));
    assertEquals(0, drawn(1, 0.5f, 0.87f));
  }

  private static int drawn(float topP, float temperature, float uniform) {
    int[][] prompts = {{2}};
    StoredDraws draws = new StoredDraws().thenUniform(uniform);
    Generation generation =
        TextGeneration.generate(
            new Markov(CHAIN, prompts),
            prompts,
            config().maxNewTokens(1).sampling(temperature, topP, 0).build(),
            GenerationListener.NONE,
            draws);
    assertEquals(0, draws.remaining());
    return generation.sequences()[0][1];
  }

  @Test
  void equalSeedsGiveEqualTexts() {
    assertArrayEquals(sampled(3), sampled(3));
    assertFalse(Arrays.deepEquals(sampled(3), sampled(4)));
  }

  private static int[][] sampled(long seed) {
    int[][] prompts = {{1}, {3}};
    return TextGeneration.generate(
            new Markov(CHAIN, prompts),
            prompts,
            config().numReturnSequences(3).maxNewTokens(12).sampling(1.2f, 0.95f, seed).build(),
            GenerationListener.NONE)
        .sequences();
  }

  @Test
  void brokenModelsAndPromptsAreReported() {
    double[][] broken = {{0.5, Double.NaN}, {0.5, Double.NaN}};
    for (int beams : new int[] {1, 2}) {
      GenerationConfig config = config().numBeams(beams).build();
      IllegalStateException failure =
          assertThrows(
              IllegalStateException.class,
              () ->
                  TextGeneration.generate(
                      new Markov(broken, new int[] {1}),
                      new int[][] {{1}},
                      config,
                      GenerationListener.NONE));
      assertTrue(failure.getMessage().contains("NaN"));
      assertThrows(
          IllegalStateException.class,
          () ->
              TextGeneration.generate(
                  new Markov(CHAIN, new int[] {1}),
                  new int[][] {{1}, {2}},
                  config,
                  GenerationListener.NONE));
      assertThrows(
          IllegalArgumentException.class,
          () ->
              TextGeneration.generate(
                  new Markov(CHAIN, new int[] {1}, new int[] {1, 2}),
                  new int[][] {{1}, {1, 2}},
                  config,
                  GenerationListener.NONE));
    }
  }

  @Test
  void wrongConfigurationsAreRefused() {
    assertRefused("maxNewTokens", config().maxNewTokens(0));
    assertRefused("numBeams", config().numBeams(0));
    assertRefused("lengthPenalty", config().lengthPenalty(Double.NaN));
    assertRefused("repetitionPenalty", config().repetitionPenalty(0));
    assertRefused("eosIds", config().eosIds(-1));
    assertRefused("numReturnSequences", config().numBeams(2).numReturnSequences(3));
    assertRefused("temperature", config().sampling(0, 1, 0));
    assertRefused("topP", config().sampling(1, 1.1f, 0));
    assertRefused("sampling", config().numBeams(2).sampling(1, 1, 0));
  }

  private static void assertRefused(String named, GenerationConfig.Builder builder) {
    IllegalArgumentException failure = assertThrows(IllegalArgumentException.class, builder::build);
    assertTrue(failure.getMessage().contains(named), failure.getMessage());
  }

  private static int[] greedy(GenerationConfig.Builder builder, int prompt) {
    return TextGeneration.generate(
            new Markov(CHAIN, new int[] {prompt}),
            new int[][] {{prompt}},
            builder.build(),
            GenerationListener.NONE)
        .newTokens(0);
  }

  private static GenerationConfig.Builder config() {
    return GenerationConfig.builder().padId(PAD);
  }
}
