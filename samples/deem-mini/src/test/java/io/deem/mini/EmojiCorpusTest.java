package io.deem.mini;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmojiCorpusTest {

  @TempDir Path temp;

  @Test
  void decodesEveryPictureToThePixelsOfTheManifest() throws Exception {
    List<String> lines = Files.readAllLines(TestCorpus.FOLDER.resolve("MANIFEST.tsv"));
    int checked = 0;
    // Every 13th picture: 300 of 3,900, of all styles.
    for (int i = 1; i < lines.size(); i += 13) {
      List<String> row = List.of(lines.get(i).split("\t", -1));
      Raster picture =
          TestCorpus.CORPUS.picture(
              EmojiStyle.of(row.get(0)), TestCorpus.CORPUS.concepts().get(row.get(1)));
      assertEquals(row.get(2), sha256(picture.rgb()), lines.get(i));
      checked++;
    }
    assertEquals(300, checked);
  }

  @Test
  void readsAllConcepts() {
    Concepts concepts = TestCorpus.CORPUS.concepts();
    assertEquals(780, concepts.all().size());
    assertEquals(663, concepts.seen().size());
    assertEquals("apples", concepts.get("apple").plural().orElseThrow());
    assertTrue(concepts.get("poodle").confusableWith(concepts.get("dog")));
    assertTrue(concepts.get("dog").confusableWith(concepts.get("poodle")));
    assertThrows(IllegalArgumentException.class, () -> concepts.get("no-such-thing"));
  }

  @Test
  void plainestConceptsAreSeenOneWordedVariedAndNotConfusable() {
    List<Concept> plainest = TestCorpus.CORPUS.concepts().plainest(150);
    assertEquals(150, plainest.size());
    Set<String> categories = new HashSet<>();
    for (Concept concept : plainest) {
      assertTrue(concept.seen(), concept.id());
      assertEquals(-1, concept.label().indexOf(' '), concept.id());
      categories.add(concept.category());
      assertEquals(1, plainest.stream().filter(concept::confusableWith).count(), concept.id());
    }
    assertTrue(categories.size() >= 8, categories.toString());
  }

  @Test
  void shippedVocabularyIsSeenAndNotConfusable() {
    List<Concept> concepts = TestCorpus.VOCABULARY.concepts();
    assertTrue(concepts.size() >= 100, concepts.size() + " concepts");
    for (Concept concept : concepts) {
      assertTrue(concept.seen(), concept.id());
      assertEquals(1, concepts.stream().filter(concept::confusableWith).count(), concept.id());
    }
  }

  @Test
  void malformedConceptsNameFileAndLine() throws IOException {
    Path file = Files.writeString(temp.resolve("concepts.jsonl"), "\n{\"id\":\"x\"}\n");
    IOException e = assertThrows(IOException.class, () -> Concepts.read(file));
    assertEquals(file + " line 2: no field 'styles'", e.getMessage());
    Files.writeString(file, "{\"id\":");
    assertThrows(IOException.class, () -> Concepts.read(file));
  }

  @Test
  void rejectsTarFilesThatAreCutOffOrNone() throws IOException {
    byte[] tar = Files.readAllBytes(TestCorpus.FOLDER.resolve("noto.tar"));
    Path file = temp.resolve("noto.tar");
    Files.write(file, Arrays.copyOf(tar, 700));
    IOException cut = assertThrows(IOException.class, () -> TarPictures.read(file));
    assertEquals(file + ": member abacus.png of 11189 bytes is cut off", cut.getMessage());
    Files.write(file, new byte[2048]);
    assertThrows(IOException.class, () -> TarPictures.read(file));
    byte[] wrongSize = Arrays.copyOf(tar, 2048);
    System.arraycopy("zzzz".getBytes(StandardCharsets.US_ASCII), 0, wrongSize, 124, 4);
    Files.write(file, wrongSize);
    assertThrows(IOException.class, () -> TarPictures.read(file));
  }

  @Test
  void rejectsPicturesThatAreNoneOrOfAnotherSize() throws IOException {
    Files.copy(TestCorpus.FOLDER.resolve("concepts.jsonl"), temp.resolve("concepts.jsonl"));
    byte[] tar =
        Arrays.copyOf(Files.readAllBytes(TestCorpus.FOLDER.resolve("noto.tar")), 512 + 11264);
    Concept abacus = TestCorpus.CORPUS.concepts().get("abacus");
    // The header of a PNG: eight bytes of signature, then length, "IHDR" and the width.
    int width = 512 + 16;
    tar[width] = 0x00;
    tar[width + 1] = 0x00;
    tar[width + 2] = 0x75;
    Files.write(temp.resolve("noto.tar"), tar);
    EmojiCorpus wide = EmojiCorpus.open(temp, EmojiStyle.NOTO);
    assertThrows(UncheckedIOException.class, () -> wide.picture(EmojiStyle.NOTO, abacus));
    Arrays.fill(tar, 512, 600, (byte) 1);
    Files.write(temp.resolve("noto.tar"), tar);
    EmojiCorpus none = EmojiCorpus.open(temp, EmojiStyle.NOTO);
    UncheckedIOException e =
        assertThrows(UncheckedIOException.class, () -> none.picture(EmojiStyle.NOTO, abacus));
    assertEquals("noto.tar: abacus.png: no picture", e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> none.picture(EmojiStyle.TWEMOJI, abacus));
  }

  private static String sha256(byte[] bytes) throws NoSuchAlgorithmException {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}
