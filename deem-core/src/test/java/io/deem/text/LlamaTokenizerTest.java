package io.deem.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.deem.text.LlamaTokenizer.Mode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The plain Java tokenizer: against the native library, at its edges, on broken files. */
class LlamaTokenizerTest {

  private static TokenizerFile plain;
  private static TokenizerFile deem;

  @BeforeAll
  static void read() throws IOException {
    try (var in = LlamaTokenizerTest.class.getResourceAsStream("/tokenizer/tokenizer.json")) {
      plain =
          TokenizerFile.parse(
              "tokenizer.json", new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
    deem = plain.withAddedTokens(SpecialTokens.IMAGE).withAddedTokens(SpecialTokens.GROUNDING);
  }

  @Test
  void theFastModeEqualsTheNativeLibrary() throws IOException {
    Random random = new Random(8823);
    try (Tokenizer plainJava = LlamaTokenizer.of(deem, Mode.FAST);
        Tokenizer nativeLibrary = new NativeTokenizer(deem)) {
      for (int i = 0; i < 3000; i++) {
        String text = randomText(random);
        long[] expected = nativeLibrary.encode(text);
        assertArrayEquals(expected, plainJava.encode(text), () -> "ids of \"" + text + "\"");
        long[] ids = random.nextBoolean() ? expected : randomIds(random);
        for (boolean keep : new boolean[] {true, false}) {
          assertEquals(
              nativeLibrary.decode(ids, keep),
              plainJava.decode(ids, keep),
              () -> "text of " + Arrays.toString(ids));
        }
      }
    }
  }

  private static String randomText(Random random) {
    String[] parts = {
      "the",
      " quick",
      "Übergröße",
      "你好",
      "给",
      "\ud83d\ude42",
      "\n",
      "\t",
      " ",
      "  ",
      "▁",
      "1234",
      "<s>",
      "</s>",
      "<unk>",
      "<|sniffer|>",
      "<|startofimage|>",
      "<ref>",
      "</box>",
      "<|",
      "|>",
      "\u0000",
      "e\u0301",
      "\u00a0",
      "\u200b",
      "ing",
      "ation",
      "'s",
      ".",
      "...",
      "://",
      "<0x0A>"
    };
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(14);
    for (int i = 0; i < length; i++) {
      switch (random.nextInt(4)) {
        case 0 -> text.append((char) ('a' + random.nextInt(26)));
        case 1 -> text.append(" ".repeat(random.nextInt(20)));
        case 2 -> text.appendCodePoint(random.nextInt(0x3000));
        default -> text.append(parts[random.nextInt(parts.length)]);
      }
    }
    return text.toString();
  }

  private static long[] randomIds(Random random) {
    // Bytes more often than their share, for halves of characters.
    return random
        .longs(random.nextInt(12), 0, deem.vocabularySize())
        .map(id -> random.nextBoolean() ? 3 + id % 256 : id)
        .toArray();
  }

  @Test
  void bothOrdersOfMergesKnowTheSamePairs() throws IOException {
    LlamaVocabulary vocabulary = new LlamaVocabulary(plain, plain.parsed());
    assertEquals(61_249, vocabulary.listedMerges().size());
    assertEquals(61_249, vocabulary.scoredMerges().size());
  }

  @Test
  void allModesAgreeWithoutAddedTokens() throws IOException {
    Random random = new Random(1);
    LlamaTokenizer fast = LlamaTokenizer.of(plain, Mode.FAST);
    LlamaTokenizer legacy = LlamaTokenizer.of(plain, Mode.LEGACY);
    LlamaTokenizer modern = LlamaTokenizer.of(plain, Mode.MODERN);
    for (int i = 0; i < 500; i++) {
      String text = randomText(random).replace("<", "").replace("▁", " ");
      long[] expected = fast.encode(text);
      assertArrayEquals(expected, legacy.encode(text), text);
      assertArrayEquals(expected, modern.encode(text), text);
      assertEquals(text, fast.decode(expected));
      assertEquals(text.replace("给", ""), legacy.decode(expected));
    }
  }

  @Test
  void aLongTextIsEncoded() throws IOException {
    LlamaTokenizer tokenizer = LlamaTokenizer.of(deem, Mode.LEGACY);
    String text = "a long story, told by nobody; ".repeat(20_000);
    assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
    assertEquals(1 + 6_250, tokenizer.encode(" ".repeat(99_999)).length);
  }

  @Test
  void halfAWordThatIsNoPieceIsUnknown() throws IOException {
    // The modern mode cuts the space off a piece; what is left need not be a piece itself.
    LlamaTokenizer modern = LlamaTokenizer.of(deem, Mode.MODERN);
    LlamaTokenizer legacy = LlamaTokenizer.of(deem, Mode.LEGACY);
    int seen = 0;
    for (String word : List.of("Beispiele", "Википеди", "kwiet", "Hinweis", "segunda")) {
      String text = "<|sniffer|>" + word;
      long[] ids = modern.encode(text);
      long first = legacy.encode(text)[2];
      String cut = piece(first).substring(1);
      long expected = plain.tokenId(cut).orElse(0);
      assertEquals(expected, ids[2], word);
      seen += expected == 0 ? 1 : 0;
    }
    assertEquals(true, seen > 0, "none of the words is an example");
  }

  private static String piece(long id) throws IOException {
    return new LlamaVocabulary(plain, plain.parsed()).piece((int) id);
  }

  @Test
  void theModeIsReadFromTheFlag() {
    JsonObject config = JsonParser.parseString("{'legacy': false}").getAsJsonObject();
    assertEquals(Mode.MODERN, Mode.ofLegacyFlag(config.get("legacy")));
    assertEquals(Mode.LEGACY, Mode.ofLegacyFlag(config.get("absent")));
    assertEquals(Mode.LEGACY, Mode.ofLegacyFlag(new JsonPrimitive(true)));
  }

  @Test
  void isWhatTokenizerOpensByDefault() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(deem)) {
      assertEquals(Mode.FAST, assertInstanceOf(LlamaTokenizer.class, tokenizer).mode());
      assertEquals(31_999, ((LlamaTokenizer) tokenizer).paddingId());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"fuse_unk\":true|\"fuse_unk\":false|is no LLaMA tokenizer (byte pair encoding with byte"
            + " fall-back and U+2581 for spaces)",
        "\"<0x41>\"|\"<0xXX>\"|no piece \"<0x41>\" in the vocabulary",
        "\"</s>\"|\"</S>\"|no piece \"</s>\" in the vocabulary",
        "\"▁ t\"|\"▁t\"|merge 0 is \"\"▁t\"\", not two pieces that make a third",
        "\"▁ t\"|\"▁ 给\"|merge 0 is \"\"▁ 给\"\", not two pieces that make a third",
        "\"▁ t\"|[1, {}]|merge 0 is \"[1,{}]\", not two pieces that make a third",
        "\"merges\"|\"merged\"|\"merges\" is not an array",
      })
  void refuses(String before, String after, String message) throws IOException {
    String json = plain.json().replaceAll("(\"[a-z_]+\"):\\s+", "$1:");
    String broken = json.replace(before, after);
    assertEquals(false, json.equals(broken), "nothing was broken");
    TokenizerFile file = TokenizerFile.parse("file.json", broken);
    MalformedTokenizerException e =
        assertThrows(MalformedTokenizerException.class, () -> LlamaTokenizer.of(file, Mode.FAST));
    assertEquals("file.json: " + message, e.getMessage());
  }
}
