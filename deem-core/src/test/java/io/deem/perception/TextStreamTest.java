package io.deem.perception;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.text.SpecialTokens;
import io.deem.text.Tokenizer;
import io.deem.text.TokenizerFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Streamed text, with the real vocabulary of LLaMA. */
class TextStreamTest {

  private static final String SMILE = "\ud83d\ude42";

  private static Tokenizer tokenizer;
  private static TokenText tokens;

  @BeforeAll
  static void read() throws IOException {
    try (var in = TextStreamTest.class.getResourceAsStream("/tokenizer/tokenizer.json")) {
      TokenizerFile file =
          TokenizerFile.parse(
              "tokenizer.json", new String(in.readAllBytes(), StandardCharsets.UTF_8));
      tokenizer = Tokenizer.open(file.withAddedTokens(SpecialTokens.IMAGE));
      tokens = new TokenText(tokenizer);
    }
  }

  /** What a stream gave for some tokens, and what it says that the whole text is. */
  private record Streamed(List<String> pieces, String whole, int taken) {
    static Streamed of(long[] ids, String... stop) {
      List<String> pieces = new ArrayList<>();
      TextStream stream = new TextStream(tokens, List.of(stop), pieces::add);
      int taken = 0;
      boolean stopped = false;
      while (taken < ids.length && !stopped) {
        stopped = stream.add((int) ids[taken++]);
      }
      return new Streamed(pieces, stream.finish(), taken);
    }

    String joined() {
      return String.join("", pieces);
    }
  }

  @Test
  void piecesTogetherAreTheWholeText() {
    Random random = new Random(11);
    String[] parts = {"the", " quick", " ", "  ", "\n", "Übergröße", "你好", "给", SMILE, "é", "x"};
    for (int i = 0; i < 500; i++) {
      StringBuilder text = new StringBuilder();
      for (int part = random.nextInt(8); part >= 0; part--) {
        text.append(parts[random.nextInt(parts.length)]);
      }
      Streamed streamed = Streamed.of(tokenizer.encodeWithoutBegin(text.toString()));
      assertEquals(text.toString().strip(), streamed.whole);
      assertEquals(streamed.whole, streamed.joined());
      for (String piece : streamed.pieces) {
        assertFalse(piece.isEmpty() || piece.contains("\ufffd"), text.toString());
        assertFalse(Character.isLowSurrogate(piece.charAt(0)), text.toString());
        assertFalse(Character.isHighSurrogate(piece.charAt(piece.length() - 1)), text.toString());
      }
    }
  }

  @Test
  void whateverTokensComePiecesAreNeverTakenBack() {
    Random random = new Random(12);
    for (int i = 0; i < 500; i++) {
      // Half of them bytes, which alone are no text.
      long[] ids =
          random
              .ints(1 + random.nextInt(12), 0, 500)
              .mapToLong(id -> random.nextBoolean() ? 3 + id % 256 : id)
              .toArray();
      Streamed streamed = Streamed.of(ids);
      assertEquals(tokenizer.decode(ids).strip(), streamed.whole, () -> Arrays.toString(ids));
      assertEquals(streamed.whole, streamed.joined(), () -> Arrays.toString(ids));
    }
  }

  @Test
  void aCharacterComesAtOnce() {
    long[] ids = tokenizer.encodeWithoutBegin("a " + SMILE + " b");
    assertTrue(ids.length > 6, "the smile takes several tokens");
    assertEquals(List.of("a", " " + SMILE + " b"), Streamed.of(ids).pieces);
  }

  @Test
  void spacesAtTheEndAreHeldBack() {
    long[] ids = tokenizer.encodeWithoutBegin("one  \n");
    assertEquals(List.of("one"), Streamed.of(ids).pieces);
  }

  @Test
  void nothingOfATextToStopAtIsGiven() {
    long[] ids = tokenizer.encodeWithoutBegin("red and blue ## USER: next");
    Streamed streamed = Streamed.of(ids, "## USER:", "green");
    assertEquals("red and blue", streamed.whole);
    assertEquals("red and blue", streamed.joined());
    assertTrue(streamed.taken < ids.length, "it stops there");
    // What only began like it comes after all.
    Streamed nearly = Streamed.of(tokenizer.encodeWithoutBegin("red ## U"), "## USER:");
    assertEquals("red ## U", nearly.joined());
    Streamed line = Streamed.of(tokenizer.encodeWithoutBegin("red\nblue"), "\n");
    assertEquals("red", line.whole);
    assertEquals("", Streamed.of(tokenizer.encodeWithoutBegin("red"), "r").whole);
  }
}
