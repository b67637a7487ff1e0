package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What follows from where images stand, worked out by hand. */
class InterleavedBatchTest {

  private static final int BEGIN = 1;
  private static final int END = 2;
  private static final int START = 7;
  private static final int IMAGE = 8;
  private static final int PAD = 9;
  private static final InterleavedBatch.Special SPECIAL =
      new InterleavedBatch.Special(BEGIN, END, PAD, START, IMAGE, 2);

  /** Two documents, the first with two images and the second with one. */
  private static final int[] TWO_DOCUMENTS = {
    BEGIN, START, IMAGE, IMAGE, 3, 4, START, IMAGE, IMAGE, END, // up to place 9
    BEGIN, 5, START, IMAGE, IMAGE, 6, END
  };

  private static final int[] SHORT = {BEGIN, 3, START, IMAGE, IMAGE, END};
  private static final int LENGTH = TWO_DOCUMENTS.length;

  private static InterleavedBatch batch(InterleavedBatch.Padding side, int[]... rows) {
    return new InterleavedBatch(SPECIAL, List.of(rows), side);
  }

  private static InterleavedBatch both() {
    return batch(InterleavedBatch.Padding.RIGHT, TWO_DOCUMENTS, SHORT);
  }

  @Test
  void aTokenSeesTheImagesOfItsOwnDocumentFromTheirFirstTokenOn() {
    InterleavedBatch batch = both();
    float[] expected = new float[2 * LENGTH * 3];
    for (int query = 0; query < LENGTH; query++) {
      int of = query * 3;
      expected[of] = query >= 2 && query < 10 ? 1 : 0;
      expected[of + 1] = query >= 7 && query < 10 ? 1 : 0;
      expected[of + 2] = query >= 13 ? 1 : 0;
      // The second row has one image; the other two are padding, which nobody sees.
      expected[LENGTH * 3 + of] = query >= 3 ? 1 : 0;
    }
    assertArrayEquals(expected, batch.visible());
    assertEquals(2, batch.mostVisible());
    assertArrayEquals(new long[] {0, 1, 2, 3}, batch.imageSlots());
  }

  @Test
  void aRowWithoutABeginningIsOneDocument() {
    InterleavedBatch batch =
        batch(InterleavedBatch.Padding.RIGHT, new int[] {3, START, IMAGE, IMAGE, 4});
    assertArrayEquals(new float[] {0, 0, 1, 1, 1}, batch.visible());
    assertEquals(1, batch.mostVisible());
    InterleavedBatch.ImageContexts contexts = batch.imageContexts();
    assertArrayEquals(new int[] {2}, contexts.lengths());
    assertArrayEquals(new long[] {1, 0}, contexts.rows());
    // What stands before the first image has none before it.
    InterleavedBatch.TextTargets targets = batch.textTargets(null, true);
    assertArrayEquals(new long[] {0, 3}, targets.places());
    assertArrayEquals(new long[] {START, 4}, targets.targets());
  }

  @Test
  void theTextLossLeavesOutBeginningsImagesPaddingAndAStartBehindABeginning() {
    InterleavedBatch.TextTargets targets = both().textTargets(null, false);
    assertArrayEquals(
        new long[] {3, 4, 5, 8, 10, 11, 14, 15, LENGTH, LENGTH + 1, LENGTH + 4}, targets.places());
    assertArrayEquals(
        new long[] {3, 4, START, END, 5, START, 6, END, 3, START, END}, targets.targets());
  }

  @Test
  void promptsAreCountedBeforeTheShift() {
    InterleavedBatch.TextTargets targets = both().textTargets(new int[] {6, 2}, false);
    assertArrayEquals(new long[] {5, 8, 10, 11, 14, 15, LENGTH + 1, LENGTH + 4}, targets.places());
  }

  @Test
  void textThatNoImageOfItsDocumentPrecedesCanBeLeftOut() {
    InterleavedBatch.TextTargets targets = both().textTargets(null, true);
    // Token 5 at place 11 follows the images of another document only; a start precedes itself.
    assertArrayEquals(
        new long[] {3, 4, 5, 8, 11, 14, 15, LENGTH + 1, LENGTH + 4}, targets.places());
  }

  @Test
  void whatIsHiddenIsNotLearnt() {
    boolean[][] real = {{true, true, false, true}};
    InterleavedBatch batch = InterleavedBatch.padded(SPECIAL, new long[] {BEGIN, 3, 4, END}, real);
    InterleavedBatch.TextTargets targets = batch.textTargets(null, false);
    assertArrayEquals(new long[] {0, 2}, targets.places());
    assertArrayEquals(new long[] {3, END}, targets.targets());
  }

  @Test
  void aContextGoesBackFromTheStartToTheBeginningOfItsDocument() {
    InterleavedBatch.ImageContexts contexts = both().imageContexts();
    assertArrayEquals(new int[] {2, 7, 3, 3}, contexts.lengths());
    assertEquals(7, contexts.longest());
    assertArrayEquals(
        new long[] {
          1,
          0,
          0,
          0,
          0,
          0,
          0, //
          6,
          5,
          4,
          3,
          2,
          1,
          0, //
          12,
          11,
          10,
          0,
          0,
          0,
          0, //
          LENGTH + 2,
          LENGTH + 1,
          LENGTH,
          0,
          0,
          0,
          0
        },
        contexts.rows());
    assertArrayEquals(
        new long[] {
          1, 1, 0, 0, 0, 0, 0, //
          1, 1, 1, 1, 1, 1, 1, //
          1, 1, 1, 0, 0, 0, 0, //
          1, 1, 1, 0, 0, 0, 0
        },
        contexts.mask());
    // The image before is another document's for the third, and another row's for the fourth.
    assertArrayEquals(new int[] {-1, 0, -1, -1}, contexts.previous());
  }

  @Test
  void aContextOfTheWholeRowCrossesDocumentsAndHasThePaddingBeforeIt() {
    InterleavedBatch.ImageContexts contexts = both().imageContexts(true);
    assertArrayEquals(new int[] {2, 7, 13, 3}, contexts.lengths());
    assertArrayEquals(new int[] {-1, 0, 1, -1}, contexts.previous());

    InterleavedBatch left = batch(InterleavedBatch.Padding.LEFT, TWO_DOCUMENTS, SHORT);
    int start = LENGTH - SHORT.length + 2;
    assertEquals(3, left.imageContexts().lengths()[3]);
    assertEquals(start + 1, left.imageContexts(true).lengths()[3]);
  }

  @Test
  void onlyImagesOfOneDocumentCountAsSeenTogether() {
    List<Integer> ids = new ArrayList<>();
    for (int document = 0; document < 2; document++) {
      ids.add(BEGIN);
      for (int image = 0; image < 30; image++) {
        ids.addAll(List.of(START, IMAGE, IMAGE));
      }
    }
    int[] row = ids.stream().mapToInt(Integer::intValue).toArray();
    InterleavedBatch batch = batch(InterleavedBatch.Padding.RIGHT, row);
    assertEquals(60, batch.imagesPerRow());
    assertEquals(30, batch.mostVisible());
  }

  @Test
  void anImageCutInTwoIsRefused() {
    int[] cut = {BEGIN, START, IMAGE, 3};
    assertThrows(IllegalArgumentException.class, () -> batch(InterleavedBatch.Padding.RIGHT, cut));
  }
}
