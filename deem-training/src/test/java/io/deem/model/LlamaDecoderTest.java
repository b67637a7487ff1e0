package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LlamaDecoderTest {

  private static final int WIDTH = 24;
  private static final int PIXELS = 16 + 4;
  private static final LlamaDecoder DECODER =
      new LlamaDecoder(
          new LlamaDecoder.Config(11, WIDTH, 40, 3, 6, 2, 1e-5, 10_000, 2, 32, List.of(4, 2)),
          "mm_decoder.");
  private static final TextHead HEAD = TextHead.extended(11, 3, WIDTH, "text_decoder.");
  private static final boolean[] REAL = {true, true, true, true, true};

  private final Random random = new Random(5);

  @Test
  void parametersAreThoseOfTheCheckpoint() throws Exception {
    Path folder = Path.of(getClass().getResource("/fixtures/llama_mmfs").toURI());
    JsonObject json =
        JsonParser.parseString(Files.readString(folder.resolve("config.json"))).getAsJsonObject();
    LlamaDecoder.Config config = LlamaDecoder.Config.of(json);
    List<Param> params = new ArrayList<>(new LlamaDecoder(config, "model.").params());
    params.addAll(
        TextHead.plain(Param.of("lm_head.weight", config.vocabulary(), config.width())).params());
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
      assertEquals(
          new TreeSet<>(file.names()),
          params.stream().map(Param::name).collect(Collectors.toCollection(TreeSet::new)));
      assertEquals(file.names().size(), params.size());
      for (Param param : params) {
        assertArrayEquals(file.info(param.name()).shape(), param.shape().extents(), param.name());
      }
    }
  }

  @Test
  void withoutAMaskEveryTokenSeesItselfAndThePast() {
    try (Session session = session();
        Scope scope = session.scope()) {
      Value x = scope.floats(noise(2 * 5 * WIDTH), 2, 5, WIDTH);
      Value mask = scope.floats(AttentionMask.causal(new boolean[][] {REAL, REAL}, 5), 2, 1, 5, 5);
      float[] causal = last(DECODER.forward(scope, x, positions(scope, 0, 5), null, null));
      float[] masked = last(DECODER.forward(scope, x, positions(scope, 0, 5), mask, null));
      assertArrayEquals(masked, causal, 1e-5f);
    }
  }

  @Test
  void severalFurtherTokensAtOnceEqualTheWholeSequence() {
    try (Session session = session();
        Scope scope = session.scope()) {
      float[] x = noise(5 * WIDTH);
      LlamaDecoder.Images images = images(scope, 1, 5);
      float[] whole =
          last(
              DECODER.forward(
                  scope, scope.floats(x, 1, 5, WIDTH), positions(scope, 0, 5), null, images));
      LlamaDecoder.Images first = new LlamaDecoder.Images(images.features(), visible(scope, 1, 2));
      LlamaCache cache =
          DECODER
              .prefill(
                  scope,
                  scope.floats(Arrays.copyOf(x, 2 * WIDTH), 1, 2, WIDTH),
                  positions(scope, 0, 2),
                  null,
                  first)
              .cache();
      assertEquals(2, cache.length());
      Value mask = scope.floats(AttentionMask.causal(new boolean[][] {REAL}, 3), 1, 1, 3, 5);
      Value rest = scope.floats(Arrays.copyOfRange(x, 2 * WIDTH, 5 * WIDTH), 1, 3, WIDTH);
      LlamaDecoder.Result result = DECODER.step(scope, rest, positions(scope, 2, 5), mask, cache);
      assertArrayEquals(
          Arrays.copyOfRange(whole, 2 * WIDTH, 5 * WIDTH), result.last().floats(), 1e-4f);
      assertEquals(5, result.cache().length());
      assertThrows(
          IllegalArgumentException.class,
          () -> DECODER.step(scope, rest, positions(scope, 2, 5), null, cache));
    }
  }

  @Test
  void imagesMatterOnlyWhereTheyAreVisible() {
    try (Session session = session();
        Scope scope = session.scope()) {
      Value x = scope.floats(noise(5 * WIDTH), 1, 5, WIDTH);
      float[] mask = new float[5 * 2];
      Arrays.fill(mask, 3 * 2, 5 * 2, 1);
      Value seen = scope.floats(mask, 1, 5, 2);
      float[][] results = new float[2][];
      for (int i = 0; i < 2; i++) {
        Value features = scope.floats(noise(2 * PIXELS * 32), 1, 2, PIXELS, 32);
        LlamaDecoder.Images images = new LlamaDecoder.Images(features, seen);
        results[i] = last(DECODER.forward(scope, x, positions(scope, 0, 5), null, images));
      }
      assertArrayEquals(
          Arrays.copyOf(results[0], 3 * WIDTH), Arrays.copyOf(results[1], 3 * WIDTH), 1e-6f);
      for (int token = 3; token < 5; token++) {
        assertTrue(distance(results[0], results[1], token) > 1e-3, "token " + token);
      }
    }
  }

  @Test
  void selectedRowsGoOnAsTheirParentsWould() {
    try (Session session = session();
        Scope scope = session.scope()) {
      Value x = scope.floats(noise(2 * 5 * WIDTH), 2, 5, WIDTH);
      LlamaCache cache =
          DECODER.prefill(scope, x, positions(scope, 0, 5), null, images(scope, 2, 5)).cache();
      float[] next = noise(WIDTH);
      float[] parents = step(scope, next, 2, cache);
      int[] rows = {1, 0, 1};
      float[] children = step(scope, next, 3, DECODER.select(scope, cache, false, rows));
      for (int i = 0; i < rows.length; i++) {
        assertArrayEquals(
            Arrays.copyOfRange(parents, rows[i] * WIDTH, (rows[i] + 1) * WIDTH),
            Arrays.copyOfRange(children, i * WIDTH, (i + 1) * WIDTH),
            1e-5f);
      }
      assertTrue(distance(parents, children, 0) > 1e-3);
    }
  }

  @Test
  void theLossCountsTheNamedTokensOnlyAndReachesEveryWeight() {
    try (TorchSession session = session()) {
      session.trainable(name -> true);
      try (TrainingScope scope = session.trainingScope()) {
        Value ids = scope.longs(new long[] {1, 4, 9, 2, 0, 1, 3, 10, 7, 2}, 2, 5);
        List<Value> hidden =
            DECODER.forward(
                scope,
                DECODER.embed(scope, ids),
                positions(scope, 0, 5),
                null,
                images(scope, 2, 5));
        Value stream = hidden.get(hidden.size() - 1);
        long[] places = {0, 2, 6, 8};
        long[] targets = {4, 2, 10, 2};
        Value loss = HEAD.loss(scope, stream, scope.longs(places, 4), scope.longs(targets, 4));
        assertEquals(
            crossEntropy(HEAD.logits(scope, stream).floats(), places, targets),
            loss.scalar(),
            1e-5);
        scope.backward(loss);
        for (Param param : DECODER.params()) {
          Value gradient = scope.gradient(param.name());
          assertTrue(gradient != null, param.name());
          double sum = 0;
          for (float value : gradient.floats()) {
            sum += Math.abs(value);
          }
          assertTrue(sum > 0 && Double.isFinite(sum), param.name() + " " + sum);
        }
      }
    }
  }

  @Test
  void theExtendedHeadAddsToTheLogitsOfAddedTokens() {
    try (TorchSession session = session();
        Scope scope = session.scope()) {
      float[] x = noise(WIDTH);
      Value stream = scope.floats(x, 1, 1, WIDTH);
      float[] logits = HEAD.logits(scope, stream).floats();
      assertArrayEquals(logits, HEAD.lastLogits(scope, stream).floats());
      RandomWeights weights = weights();
      float[] expected = linear(weights, "text_decoder.head", x, 11);
      float[] added = linear(weights, "text_decoder.head_new", x, 3);
      for (int i = 0; i < 3; i++) {
        expected[8 + i] += added[i];
      }
      assertArrayEquals(expected, logits, 1e-4f);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rms_norm_eps | null | rms_norm_eps \"null\" is not supported",
        "num_attention_heads | 3 | a width of 64",
        "num_key_value_heads | 3 | 4 query heads",
        "num_hidden_layers | 1.5 | num_hidden_layers \"1.5\"",
        "hidden_act | \"gelu\" | hidden_act",
        "rope_scaling | {\"type\":\"linear\"} | rope_scaling",
        "attention_bias | true | attention_bias",
        "head_dim | 32 | head_dim",
        "cross_attention_frequency | 2 | attention to images"
      })
  void configurationsThatWouldBeComputedWronglyAreRefused(String name, String value, String message)
      throws Exception {
    Path file = Path.of(getClass().getResource("/fixtures/llama_gqa/config.json").toURI());
    JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    json.add(name, JsonParser.parseString(value));
    IllegalArgumentException failure =
        assertThrows(IllegalArgumentException.class, () -> LlamaDecoder.Config.of(json));
    assertTrue(failure.getMessage().contains(message), failure.getMessage());
  }

  private static RandomWeights weights() {
    List<Param> params = new ArrayList<>(DECODER.params());
    params.addAll(HEAD.params());
    return new RandomWeights(params, 17);
  }

  private static TorchSession session() {
    return new TorchEngine().open(weights());
  }

  private float[] step(Scope scope, float[] token, int rows, LlamaCache cache) {
    float[] tokens = new float[rows * WIDTH];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(token, 0, tokens, row * WIDTH, WIDTH);
    }
    Value x = scope.floats(tokens, rows, 1, WIDTH);
    return DECODER.step(scope, x, positions(scope, 5, 6), null, cache).last().floats();
  }

  private LlamaDecoder.Images images(Scope scope, int batch, int length) {
    Value features = scope.floats(noise(batch * 2 * PIXELS * 32), batch, 2, PIXELS, 32);
    return new LlamaDecoder.Images(features, visible(scope, batch, length));
  }

  private static Value visible(Scope scope, int batch, int length) {
    float[] ones = new float[batch * length * 2];
    Arrays.fill(ones, 1);
    return scope.floats(ones, batch, length, 2);
  }

  private static Value positions(Scope scope, int from, int to) {
    long[] numbers = new long[to - from];
    Arrays.setAll(numbers, i -> from + i);
    return scope.longs(numbers, 1, numbers.length);
  }

  private static float[] last(List<Value> hidden) {
    return hidden.get(hidden.size() - 1).floats();
  }

  private static double distance(float[] a, float[] b, int token) {
    double sum = 0;
    for (int i = token * WIDTH; i < (token + 1) * WIDTH; i++) {
      sum += Math.abs(a[i] - b[i]);
    }
    return sum;
  }

  private static float[] linear(RandomWeights weights, String name, float[] x, int rows) {
    float[] weight = weights.floats(name + ".weight");
    float[] result = weights.floats(name + ".bias").clone();
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < x.length; i++) {
        result[row] += weight[row * x.length + i] * x[i];
      }
    }
    return result;
  }

  private static double crossEntropy(float[] logits, long[] places, long[] targets) {
    double sum = 0;
    for (int i = 0; i < places.length; i++) {
      double total = 0;
      int row = (int) places[i] * 11;
      for (int token = 0; token < 11; token++) {
        total += Math.exp(logits[row + token]);
      }
      sum += Math.log(total) - logits[row + (int) targets[i]];
    }
    return sum / places.length;
  }

  private float[] noise(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
