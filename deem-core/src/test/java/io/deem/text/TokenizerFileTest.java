package io.deem.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokenizer files that are no tokenizer files. */
class TokenizerFileTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|is not a JSON object",
        "{\"model\":|is not valid JSON at line 1 column 10",
        "{} {}|is not valid JSON at line 1 column 5",
        "{'model':1}|is not valid JSON at line 1 column 3",
        "[]|is not a JSON object",
        "{}|has no object \"model\" with a \"vocab\"",
        "{\"model\":{\"vocab\":[]}}|has no object \"model\" with a \"vocab\"",
        "{\"model\":{\"vocab\":{}}}|has an empty vocabulary",
        "{\"model\":{\"vocab\":{\"a\":-1}}}|token \"a\" has the id \"-1\"",
        "{\"model\":{\"vocab\":{\"a\":99999999}}}|token \"a\" has the id \"99999999\"",
        "{\"model\":{\"vocab\":{\"a\":1.5}}}|token \"a\" has the id \"1.5\"",
        "{\"model\":{\"vocab\":{\"a\":1,\"b\":1}}}|token \"b\" has the taken id 1",
        "{\"model\":{\"vocab\":{\"a\":1}},\"added_tokens\":3}|\"added_tokens\" is not an array",
        "{\"model\":{\"vocab\":{\"a\":1}},\"added_tokens\":[3]}|an added token has no \"content\"",
        "{\"model\":{\"vocab\":{\"a\":1}},\"added_tokens\":[{\"content\":\"x\"}]}"
            + "|token \"x\" has the id \"nothing\"",
        "{\"model\":{\"vocab\":{\"a\":1}},\"added_tokens\":[{\"content\":\"x\",\"id\":1}]}"
            + "|added token \"x\" has id 1, which is taken",
        "{\"model\":{\"vocab\":{\"a\":1}},\"added_tokens\":[{\"content\":\"a\",\"id\":2}]}"
            + "|added token \"a\" has id 2 but 1 in the vocabulary"
      })
  void refuses(String json, String expected) {
    MalformedTokenizerException e =
        assertThrows(
            MalformedTokenizerException.class, () -> TokenizerFile.parse("file.json", json));
    assertEquals("file.json: " + expected, e.getMessage());
  }

  @Test
  void refusesWhatTheLibraryCannotUse() throws IOException {
    TokenizerFile noBegin = TokenizerFile.parse("file.json", "{\"model\":{\"vocab\":{\"a\":1}}}");
    TokenizerMismatchException missing =
        assertThrows(TokenizerMismatchException.class, () -> Tokenizer.open(noBegin));
    assertEquals("file.json: no token \"<s>\" in the vocabulary", missing.getMessage());
    TokenizerFile noMerges =
        TokenizerFile.parse("file.json", "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"<s>\":1}}}");
    MalformedTokenizerException unusable =
        assertThrows(MalformedTokenizerException.class, () -> Tokenizer.open(noMerges));
    assertTrue(
        unusable.getMessage().startsWith("file.json: cannot be used as a tokenizer: \""),
        unusable.getMessage());
    assertEquals(1, unusable.getMessage().lines().count());
  }

  @Test
  void refusesDeepNesting() {
    assertThrows(
        MalformedTokenizerException.class,
        () -> TokenizerFile.parse("file.json", "{\"a\":" + "[".repeat(100_000)));
  }

  @Test
  void readsFromDisk() throws IOException {
    Path file = folder.resolve("tokenizer.json");
    NoSuchFileException none =
        assertThrows(NoSuchFileException.class, () -> TokenizerFile.read(folder));
    assertEquals(file + ": no such file", none.getMessage());
    Files.write(file, new byte[] {'{', '"', (byte) 0xff});
    MalformedTokenizerException notUtf8 =
        assertThrows(MalformedTokenizerException.class, () -> TokenizerFile.read(file));
    assertEquals(file + ": is not UTF-8", notUtf8.getMessage());
    try (var sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength((16 << 20) + 1);
    }
    MalformedTokenizerException tooLarge =
        assertThrows(MalformedTokenizerException.class, () -> TokenizerFile.read(file));
    assertEquals(file + ": 16777217 bytes is over the limit of 16777216", tooLarge.getMessage());
  }

  @Test
  void addedTokensAreWrittenAndReadBack() throws IOException {
    TokenizerFile plain =
        TokenizerFile.parse("file.json", "{\"model\":{\"vocab\":{\"a\":0,\"b\":6}},\"x\":1.50}");
    Path file = folder.resolve("tokenizer.json");
    plain.withAddedTokens(List.of("<x>", "<y>")).write(file);
    TokenizerFile read = TokenizerFile.read(folder);
    assertEquals(9, read.vocabularySize());
    assertEquals(OptionalInt.of(7), read.tokenId("<x>"));
    assertEquals(OptionalInt.of(8), read.tokenId("<y>"));
    assertEquals(plain.fingerprint(), read.fingerprint());
    assertTrue(read.json().contains("\"x\":1.50"));
    assertEquals(7, read.withoutAddedTokens().vocabularySize());
    assertEquals(OptionalInt.empty(), read.withoutAddedTokens().tokenId("<x>"));
    IllegalArgumentException again =
        assertThrows(IllegalArgumentException.class, () -> read.withAddedTokens(List.of("<x>")));
    assertEquals(file + ": token \"<x>\" is already in the vocabulary", again.getMessage());
  }
}
