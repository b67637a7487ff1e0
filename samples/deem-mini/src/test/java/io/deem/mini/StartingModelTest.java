package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.generation.TextGeneration;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.LlamaDecoder;
import io.deem.model.TextHead;
import io.deem.perception.LlamaTokenModel;
import io.deem.text.Tokenizer;
import io.deem.torch.TorchEngine;
import io.deem.weights.ModelWeights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The published language model that training starts from tells the story that it is known for. */
class StartingModelTest {

  private static final Path FOLDER = Path.of("data", "stories15M");

  private static final String STORY =
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the"
          + " sunshine. One day, she saw a big, red ball in the sky. It was the sun!";

  @Test
  void itTellsTheKnownStory() throws IOException {
    assertTrue(
        Files.exists(FOLDER.resolve("model.safetensors")),
        () -> FOLDER.toAbsolutePath() + " has no model.safetensors: the checkout is incomplete");
    JsonObject json =
        JsonParser.parseString(Files.readString(FOLDER.resolve("config.json"))).getAsJsonObject();
    LlamaDecoder decoder = new LlamaDecoder(LlamaDecoder.Config.of(json), "model.");
    TextHead head = TextHead.plain(decoder.embeddings());
    GenerationConfig config = GenerationConfig.builder().maxNewTokens(60).eosIds(2).build();
    try (ModelWeights weights = ModelWeights.open(FOLDER);
        Tokenizer tokenizer = Tokenizer.open(FOLDER);
        Session session = new TorchEngine().open(weights);
        Scope scope = session.scope()) {
      int[] prompt = ints(tokenizer.encode("Once upon a time,"));
      boolean[] real = new boolean[prompt.length];
      Arrays.fill(real, true);
      Generation generated =
          TextGeneration.generate(
              LlamaTokenModel.ofTokens(
                  scope, decoder, head, new int[][] {prompt}, new boolean[][] {real}),
              new int[][] {prompt},
              config,
              GenerationListener.NONE);
      long[] ids = Arrays.stream(generated.sequences()[0]).asLongStream().toArray();
      String text = tokenizer.decode(ids);
      assertTrue(text.startsWith(STORY), text);
    }
  }

  @Test
  void itsTokenizerGivesTheKnownIds() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(FOLDER)) {
      assertEquals(32_000, tokenizer.vocabularySize());
      assertArrayEquals(
          new long[] {1, 15043, 29892, 3186, 29991, 319, 15373, 310, 263, 6635, 29889},
          tokenizer.encode("Hello, world! A photo of a cat."));
    }
  }

  private static int[] ints(long[] values) {
    return Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
  }
}
