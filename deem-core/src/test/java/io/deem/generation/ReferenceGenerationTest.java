package io.deem.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.weights.SafetensorsFile;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The ids that transformers generated with two small LLaMAs, token for token. */
class ReferenceGenerationTest {

  @ParameterizedTest
  @CsvSource({
    "gen_greedy_rep1p3_min11, 12, 1, 1, 1.3, 11, false, 1, STOCK",
    "gen_beam3_lp1, 10, 3, 1, 1, 0, false, 1, STOCK",
    "gen_beam3_lpneg1, 10, 3, -1, 1, 0, false, 1, STOCK",
    "gen_beam3_rep1p5, 10, 3, 1, 1.5, 0, false, 1, STOCK",
    "gen_beam3_early, 10, 3, 1, 1, 0, true, 1, STOCK",
    "gen_beam3_lp2_min12, 14, 3, 2, 1, 12, false, 1, STOCK",
    "gen_beam3_lp0_ret3, 10, 3, 0, 1, 0, false, 3, STOCK",
    "gen_beam3_scored, 8, 3, 1, 1, 0, false, 1, STOCK",
    "gen_deembeam3_lp1, 10, 3, 1, 1, 0, false, 1, DEEM",
    "gen_deembeam5_lp1_min4, 10, 5, 1, 1, 4, false, 1, DEEM",
  })
  void idsAgree(
      String name,
      int maxNewTokens,
      int beams,
      double lengthPenalty,
      float repetitionPenalty,
      int minLength,
      boolean early,
      int returned,
      CandidateRule rule)
      throws IOException {
    GenerationConfig.Builder builder =
        GenerationConfig.builder()
            .maxNewTokens(maxNewTokens)
            .numBeams(beams)
            .lengthPenalty(lengthPenalty)
            .repetitionPenalty(repetitionPenalty)
            .minLength(minLength)
            .earlyStopping(early)
            .numReturnSequences(returned)
            .candidateRule(rule);
    for (String fixture : new String[] {"llama_mha", "llama_gqa"}) {
      try (SafetensorsFile io = SafetensorsFile.open(file(fixture, "io.safetensors"))) {
        int[] eosIds = Arrays.stream(io.longs("eos_ids")).mapToInt(Math::toIntExact).toArray();
        Generation generation = generate(fixture, io, builder.eosIds(eosIds).build());
        assertIds(fixture + " " + name, io, name, generation);
        if (io.contains(name + "_sequences_scores")) {
          float[] expected = io.floats(name + "_sequences_scores");
          for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], generation.scores()[i], 1e-4);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama_mha", "llama_gqa"})
  void greedySearchAgrees(String fixture) throws IOException {
    try (SafetensorsFile io = SafetensorsFile.open(file(fixture, "io.safetensors"))) {
      GenerationConfig config = GenerationConfig.builder().maxNewTokens(12).eosIds(2).build();
      assertIds(fixture, io, "gen_greedy", generate(fixture, io, config));
    }
  }

  private static Generation generate(String fixture, SafetensorsFile io, GenerationConfig config)
      throws IOException {
    int rows = (int) io.info("left_input_ids").shape()[0];
    int[][] padded = new int[rows][];
    int[][] unpadded = new int[rows][];
    long[] ids = io.longs("left_input_ids");
    long[] mask = io.longs("left_attention_mask");
    int length = ids.length / rows;
    for (int row = 0; row < rows; row++) {
      int[] tokens = new int[length];
      int first = length;
      for (int i = length - 1; i >= 0; i--) {
        tokens[i] = (int) ids[row * length + i];
        if (mask[row * length + i] == 1) {
          first = i;
        }
      }
      padded[row] = tokens;
      unpadded[row] = Arrays.copyOfRange(tokens, first, length);
    }
    JsonObject json =
        JsonParser.parseString(Files.readString(file(fixture, "config.json"))).getAsJsonObject();
    try (SafetensorsFile weights = SafetensorsFile.open(file(fixture, "model.safetensors"))) {
      TokenModel model = new PlainLlama(json, weights, unpadded);
      return TextGeneration.generate(model, padded, config, GenerationListener.NONE);
    }
  }

  private static void assertIds(
      String message, SafetensorsFile io, String name, Generation generation) {
    long[] shape = io.info(name).shape();
    int[][] sequences = generation.sequences();
    assertArrayEquals(shape, new long[] {sequences.length, sequences[0].length}, message);
    long[] all = Arrays.stream(sequences).flatMapToInt(Arrays::stream).asLongStream().toArray();
    assertArrayEquals(io.longs(name), all, message);
  }

  private static Path file(String fixture, String name) {
    try {
      return Path.of(
          Objects.requireNonNull(
                  ReferenceGenerationTest.class.getResource("/fixtures/" + fixture + "/" + name))
              .toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
