package io.deem.perception;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.generation.TextGeneration;
import io.deem.generation.TokenModel;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.model.LlamaDecoder;
import io.deem.model.TextHead;
import io.deem.torch.TorchEngine;
import io.deem.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Generation with the cache against generation that computes everything again for every token. */
class LlamaTokenModelTest {

  private static final int WIDTH = 32;
  private static final int LENGTH = 4;
  private static final int IMAGES = 2;

  private static SafetensorsFile weights;
  private static Session session;
  private static LlamaDecoder decoder;
  private static TextHead head;

  @BeforeAll
  static void open() throws Exception {
    Path folder = Path.of(LlamaTokenModelTest.class.getResource("/fixtures/llama_mmfs").toURI());
    weights = SafetensorsFile.open(folder.resolve("model.safetensors"));
    session = new TorchEngine().open(weights);
    LlamaDecoder.Config config =
        LlamaDecoder.Config.of(
            JsonParser.parseString(Files.readString(folder.resolve("config.json")))
                .getAsJsonObject());
    decoder = new LlamaDecoder(config, "model.");
    head = TextHead.plain(Param.of("lm_head.weight", config.vocabulary(), WIDTH));
  }

  @AfterAll
  static void close() throws IOException {
    session.close();
    weights.close();
  }

  @Test
  void promptsWithImagesAreContinuedBeamByBeam() {
    Prompt[] prompts = {new Prompt(1, LENGTH), new Prompt(2, LENGTH - 1), new Prompt(3, LENGTH)};
    GenerationConfig config =
        GenerationConfig.builder()
            .numBeams(3)
            .numReturnSequences(2)
            .maxNewTokens(9)
            .minLength(3)
            .eosIds(7, 42, 80)
            .padId(95)
            .build();
    int[][] begin = new int[prompts.length][1];
    Generation cached;
    try (Scope scope = session.scope()) {
      TokenModel model =
          LlamaTokenModel.ofEmbeddings(
              scope,
              decoder,
              head,
              embeddings(scope, prompts),
              real(prompts),
              images(scope, prompts));
      cached = TextGeneration.generate(model, begin, config, GenerationListener.NONE);
    }
    Generation again =
        TextGeneration.generate(new NoCache(prompts), begin, config, GenerationListener.NONE);
    assertArrayEquals(again.sequences(), cached.sequences());
    assertArrayEquals(again.scores(), cached.scores(), 1e-4);
    // Otherwise the images and prompts would not have mattered.
    assertTrue(!Arrays.equals(cached.sequences()[0], cached.sequences()[2]));
  }

  @Test
  void paddingOnTheLeftChangesNothing() {
    int[] prompt = {1, 17, 33};
    boolean[][] all = {{true, true, true}};
    try (Scope scope = session.scope()) {
      float[] plain =
          LlamaTokenModel.ofTokens(scope, decoder, head, new int[][] {prompt}, all).prefill()[0];
      int[][] padded = {{95, 95, 1, 17, 33}};
      boolean[][] real = {{false, false, true, true, true}};
      LlamaTokenModel model = LlamaTokenModel.ofTokens(scope, decoder, head, padded, real);
      assertArrayEquals(plain, model.prefill()[0], 1e-4f);
      int[][] longer = {{1, 17, 33, 60}};
      float[] next =
          LlamaTokenModel.ofTokens(
                  scope, decoder, head, longer, new boolean[][] {{true, true, true, true}})
              .prefill()[0];
      assertArrayEquals(next, model.step(new int[] {0}, new int[] {60})[0], 1e-4f);
    }
  }

  @Test
  void paddingOnTheRightIsRefused() {
    try (Scope scope = session.scope()) {
      int[][] prompt = {{1, 95}};
      boolean[][] real = {{true, false}};
      assertThrows(
          IllegalArgumentException.class,
          () -> LlamaTokenModel.ofTokens(scope, decoder, head, prompt, real));
    }
  }

  /** Embeddings and images of one text, some of whose tokens do not see the images. */
  private static final class Prompt {
    final float[] embedded;
    final float[] features = new float[IMAGES * 84 * 16];
    final float[] visible;

    Prompt(long seed, int length) {
      Random random = new Random(seed);
      embedded = new float[length * WIDTH];
      visible = new float[length * IMAGES];
      for (int i = 0; i < embedded.length; i++) {
        embedded[i] = (float) random.nextGaussian();
      }
      for (int i = 0; i < features.length; i++) {
        features[i] = (float) random.nextGaussian() * 2;
      }
      // The second prompt's last token sees one image, the others' see both.
      Arrays.fill(visible, IMAGES, visible.length, 1);
      visible[visible.length - 1] = seed == 2 ? 0 : 1;
    }

    int length() {
      return embedded.length / WIDTH;
    }
  }

  private static boolean[][] real(Prompt[] prompts) {
    boolean[][] real = new boolean[prompts.length][LENGTH];
    for (int i = 0; i < prompts.length; i++) {
      Arrays.fill(real[i], LENGTH - prompts[i].length(), LENGTH, true);
    }
    return real;
  }

  private static Value embeddings(Scope scope, Prompt[] prompts) {
    float[] all = new float[prompts.length * LENGTH * WIDTH];
    for (int i = 0; i < prompts.length; i++) {
      float[] one = prompts[i].embedded;
      System.arraycopy(one, 0, all, (i + 1) * LENGTH * WIDTH - one.length, one.length);
    }
    return scope.floats(all, prompts.length, LENGTH, WIDTH);
  }

  private static LlamaDecoder.Images images(Scope scope, Prompt[] prompts) {
    int size = prompts[0].features.length;
    float[] features = new float[prompts.length * size];
    float[] visible = new float[prompts.length * LENGTH * IMAGES];
    for (int i = 0; i < prompts.length; i++) {
      System.arraycopy(prompts[i].features, 0, features, i * size, size);
      float[] one = prompts[i].visible;
      System.arraycopy(one, 0, visible, (i + 1) * LENGTH * IMAGES - one.length, one.length);
    }
    return new LlamaDecoder.Images(
        scope.floats(features, prompts.length, IMAGES, 84, 16),
        scope.floats(visible, prompts.length, LENGTH, IMAGES));
  }

  /** Runs every row by itself, from its beginning, without padding and without a cache. */
  private static final class NoCache implements TokenModel {
    private final Prompt[] prompts;
    private int[] promptOf;
    private int[][] tokens;

    NoCache(Prompt[] prompts) {
      this.prompts = prompts;
    }

    @Override
    public float[][] prefill() {
      promptOf = new int[prompts.length];
      Arrays.setAll(promptOf, i -> i);
      tokens = new int[prompts.length][0];
      return logits();
    }

    @Override
    public float[][] step(int[] parentRows, int[] next) {
      int[][] longer = new int[next.length][];
      int[] origins = new int[next.length];
      for (int row = 0; row < next.length; row++) {
        int[] parent = tokens[parentRows[row]];
        longer[row] = Arrays.copyOf(parent, parent.length + 1);
        longer[row][parent.length] = next[row];
        origins[row] = promptOf[parentRows[row]];
      }
      tokens = longer;
      promptOf = origins;
      return logits();
    }

    private float[][] logits() {
      float[][] rows = new float[tokens.length][];
      for (int row = 0; row < rows.length; row++) {
        rows[row] = logits(prompts[promptOf[row]], tokens[row]);
      }
      return rows;
    }

    private float[] logits(Prompt prompt, int[] more) {
      int length = prompt.length() + more.length;
      try (Scope scope = session.scope()) {
        float[] embedded = Arrays.copyOf(prompt.embedded, length * WIDTH);
        if (more.length > 0) {
          long[] ids = Arrays.stream(more).asLongStream().toArray();
          float[] added = decoder.embed(scope, scope.longs(ids, 1, ids.length)).floats();
          System.arraycopy(added, 0, embedded, prompt.embedded.length, added.length);
        }
        float[] visible = Arrays.copyOf(prompt.visible, length * IMAGES);
        for (int i = prompt.visible.length; i < visible.length; i++) {
          visible[i] = visible[i - IMAGES];
        }
        long[] positions = new long[length];
        Arrays.setAll(positions, i -> i);
        List<Value> hidden =
            decoder.forward(
                scope,
                scope.floats(embedded, 1, length, WIDTH),
                scope.longs(positions, 1, length),
                null,
                new LlamaDecoder.Images(
                    scope.floats(prompt.features, 1, IMAGES, 84, 16),
                    scope.floats(visible, 1, length, IMAGES)));
        return head.lastLogits(scope, hidden.get(hidden.size() - 1)).floats();
      }
    }
  }
}
