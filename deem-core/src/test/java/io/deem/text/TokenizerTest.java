package io.deem.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The real LLaMA vocabulary with DEEM's tokens, against the reference's ids and texts. */
class TokenizerTest {
  private static TokenizerFile llama;
  private static Tokenizer tokenizer;

  @BeforeAll
  static void open() throws IOException {
    llama = TokenizerFile.parse("tokenizer.json", resource("/tokenizer/tokenizer.json"));
    List<String> added = new ArrayList<>(SpecialTokens.IMAGE);
    added.addAll(SpecialTokens.GROUNDING);
    tokenizer = Tokenizer.open(llama.withAddedTokens(added));
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void encodesAKnownSentence() {
    long[] expected = {1, 15043, 29892, 3186, 29991, 319, 15373, 310, 263, 6635, 29889};
    String text = "Hello, world! A photo of a cat.";
    assertArrayEquals(expected, tokenizer.encode(text));
    assertArrayEquals(
        java.util.Arrays.copyOfRange(expected, 1, expected.length),
        tokenizer.encodeWithoutBegin(text));
    assertEquals(text, tokenizer.decode(expected));
  }

  @Test
  void agreesWithTheReferenceOnEveryCase() throws IOException {
    int compared = 0;
    for (JsonElement element :
        JsonParser.parseString(resource("/fixtures/tokenizer/cases.json")).getAsJsonArray()) {
      JsonObject testCase = element.getAsJsonObject();
      String text = testCase.get("text").getAsString();
      JsonObject fast = testCase.getAsJsonObject("fast");
      long[] ids = tokenizer.encode(text);
      assertArrayEquals(expectedIds(testCase), ids, () -> "ids of \"" + text + "\"");
      if (fast.has("decode")) {
        assertEquals(fast.get("decode").getAsString(), tokenizer.decode(ids, true));
        assertEquals(fast.get("decode_skip_special").getAsString(), tokenizer.decode(ids));
      }
      compared++;
    }
    assertEquals(65, compared);
  }

  private static long[] expectedIds(JsonObject testCase) {
    JsonElement ids = testCase.getAsJsonObject("fast").get("ids");
    if (!ids.isJsonArray()) {
      String other = ids.getAsString().substring("same as ".length());
      ids = testCase.getAsJsonObject(other).get("ids");
    }
    return ids.getAsJsonArray().asList().stream().mapToLong(JsonElement::getAsLong).toArray();
  }

  @Test
  void knowsTheVocabulary() throws IOException {
    JsonObject config =
        JsonParser.parseString(resource("/fixtures/tokenizer/config.json")).getAsJsonObject();
    assertEquals(config.get("vocab_sha256").getAsString(), llama.fingerprint());
    assertEquals(32000, llama.vocabularySize());
    assertEquals(config.get("len_grounding").getAsInt(), tokenizer.vocabularySize());
    for (Map.Entry<String, JsonElement> id : config.getAsJsonObject("special_ids").entrySet()) {
      assertEquals(OptionalInt.of(id.getValue().getAsInt()), tokenizer.tokenId(id.getKey()));
    }
    assertEquals(OptionalInt.empty(), tokenizer.tokenId("no such token"));
  }

  @Test
  void longTextsAreNotCut() {
    assertEquals(3002, tokenizer.encode("word ".repeat(3000)).length);
  }

  @Test
  void oddTextsDoNoHarm() {
    assertEquals("a\u0000b", tokenizer.decode(tokenizer.encode("a\u0000b")));
    assertEquals("a\ufffdb", tokenizer.decode(tokenizer.encode("a\ud800b")));
    assertEquals("a\ufffd", tokenizer.decode(tokenizer.encode("a\udc00")));
    assertEquals("\ud83d\ude00", tokenizer.decode(tokenizer.encode("\ud83d\ude00")));
    assertEquals("", tokenizer.decode());
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(32006));
    assertEquals("token id 32006 is outside the vocabulary of 32006", e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(-1));
  }

  @Test
  void aWrongTokenizerIsNamed() throws IOException {
    Map<String, Integer> needed = Map.of("<|startofimage|>", 32000);
    tokenizer.require(32006, needed);
    assertMismatch(
        "tokenizer.json: has a vocabulary of 32006 tokens, the model needs 32002",
        () -> tokenizer.require(32002, needed));
    assertMismatch(
        "tokenizer.json: no token \"<|sniff|>\" in the vocabulary",
        () -> tokenizer.require(32006, Map.of("<|sniff|>", 32001)));
    List<String> swapped = List.of(SpecialTokens.SNIFFER, SpecialTokens.START_OF_IMAGE);
    try (Tokenizer wrong = Tokenizer.open(llama.withAddedTokens(swapped))) {
      assertMismatch(
          "tokenizer.json: token \"<|startofimage|>\" has id 32001, the model needs 32000",
          () -> wrong.require(32002, needed));
    }
  }

  private static void assertMismatch(String expected, Runnable check) {
    assertEquals(expected, assertThrows(TokenizerMismatchException.class, check::run).getMessage());
  }

  @Test
  void manyThreadsGetTheSameIdsAndClosingIsFinal() throws Exception {
    Tokenizer shared = Tokenizer.open(llama);
    long[] expected = shared.encode("a story about a cat");
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Callable<long[]>> calls = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        calls.add(() -> shared.encode("a story about a cat"));
      }
      for (Future<long[]> ids : threads.invokeAll(calls)) {
        assertArrayEquals(expected, ids.get());
      }
    } finally {
      threads.shutdownNow();
    }
    shared.close();
    shared.close();
    assertThrows(IllegalStateException.class, () -> shared.encode("a"));
    assertThrows(IllegalStateException.class, () -> shared.decode(1));
  }

  private static String resource(String name) throws IOException {
    try (var stream = TokenizerTest.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
