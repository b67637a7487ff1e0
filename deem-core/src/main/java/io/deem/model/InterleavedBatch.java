package io.deem.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows of token ids, in which images stand as a start token followed by a fixed number of image
 * tokens, and what follows from where they stand. Pure bookkeeping; nothing here is computed by an
 * engine.
 *
 * <p>Images are numbered row by row, in the order of their start tokens.
 */
public final class InterleavedBatch {

  /** Rows are padded on this side. */
  public enum Padding {
    /** Before the text, for generation. */
    LEFT,
    /** After the text, for training. */
    RIGHT
  }

  /**
   * The ids with a meaning of their own.
   *
   * @param beginning of a document
   * @param end of a document
   * @param padding fills rows; in LLaMA's vocabulary an ordinary piece
   * @param imageStart stands before the tokens of an image
   * @param image stands for one visual token
   * @param tokensPerImage image tokens after each start
   */
  public record Special(
      int beginning, int end, int padding, int imageStart, int image, int tokensPerImage) {}

  private final Special special;
  private final int rows;
  private final int length;
  private final long[] ids;
  private final boolean[][] real;
  private final int[][] starts;

  /**
   * A batch of rows, padded to the longest.
   *
   * @param texts token ids of each row
   * @throws IllegalArgumentException if an image has another number of tokens than it should
   */
  public InterleavedBatch(Special special, List<int[]> texts, Padding side) {
    this.special = special;
    this.rows = texts.size();
    this.length = texts.stream().mapToInt(text -> text.length).max().orElse(0);
    this.ids = new long[rows * length];
    this.real = new boolean[rows][length];
    Arrays.fill(ids, special.padding);
    for (int row = 0; row < rows; row++) {
      int[] text = texts.get(row);
      int first = side == Padding.LEFT ? length - text.length : 0;
      for (int i = 0; i < text.length; i++) {
        ids[row * length + first + i] = text[i];
        real[row][first + i] = true;
      }
    }
    this.starts = findStarts();
  }

  private InterleavedBatch(Special special, long[] ids, boolean[][] real) {
    this.special = special;
    this.rows = real.length;
    this.length = rows == 0 ? 0 : real[0].length;
    this.ids = ids;
    this.real = real;
    this.starts = findStarts();
  }

  /**
   * A batch of rows that are padded already.
   *
   * @param ids [rows * length]
   * @param real whether each token is no padding, [rows][length]
   * @throws IllegalArgumentException if an image has another number of tokens than it should, or
   *     there are too few or too many ids
   */
  public static InterleavedBatch padded(Special special, long[] ids, boolean[][] real) {
    long places = Arrays.stream(real).mapToLong(row -> row.length).sum();
    if (ids.length != places || Arrays.stream(real).anyMatch(row -> row.length != real[0].length)) {
      throw new IllegalArgumentException(
          ids.length + " ids for " + real.length + " rows of " + places + " places together");
    }
    boolean[][] copy = Arrays.stream(real).map(boolean[]::clone).toArray(boolean[][]::new);
    return new InterleavedBatch(special, ids.clone(), copy);
  }

  private int[][] findStarts() {
    int[][] found = new int[rows][];
    for (int row = 0; row < rows; row++) {
      found[row] = findStarts(row);
    }
    return found;
  }

  private int[] findStarts(int row) {
    int[] found =
        IntStream.range(0, length).filter(i -> id(row, i) == special.imageStart).toArray();
    long imageTokens = IntStream.range(0, length).filter(i -> id(row, i) == special.image).count();
    boolean whole = true;
    for (int start : found) {
      for (int i = 1; i <= special.tokensPerImage; i++) {
        whole &= start + i < length && id(row, start + i) == special.image;
      }
    }
    if (!whole || imageTokens != (long) found.length * special.tokensPerImage) {
      throw new IllegalArgumentException(
          "row "
              + row
              + " has "
              + found.length
              + " image starts and "
              + imageTokens
              + " image tokens; each start must be followed by "
              + special.tokensPerImage);
    }
    return found;
  }

  /** The number of rows. */
  public int rows() {
    return rows;
  }

  /** Tokens in a row, padding included. */
  public int length() {
    return length;
  }

  /** The token ids, [rows, length]. */
  public long[] ids() {
    return ids.clone();
  }

  /** Whether each token is no padding, [rows][length]. */
  public boolean[][] real() {
    return Arrays.stream(real).map(boolean[]::clone).toArray(boolean[][]::new);
  }

  /** The number of images of all rows. */
  public int images() {
    return Arrays.stream(starts).mapToInt(row -> row.length).sum();
  }

  /** The largest number of images in a row. */
  public int imagesPerRow() {
    return Arrays.stream(starts).mapToInt(row -> row.length).max().orElse(0);
  }

  /** Where image tokens stand: row * length + column of each, image by image. */
  public long[] imagePlaces() {
    return places(special.tokensPerImage, 1);
  }

  /** Where image starts stand: row * length + column of each. */
  public long[] startPlaces() {
    return places(1, 0);
  }

  /** For each image, its place among rows of {@link #imagesPerRow()} images. */
  public long[] imageSlots() {
    List<Long> slots = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < starts[row].length; i++) {
        slots.add((long) row * imagesPerRow() + i);
      }
    }
    return slots.stream().mapToLong(Long::longValue).toArray();
  }

  /**
   * Which images each token sees: those of its own document that began before it. An image's start
   * does not see it; its first image token does.
   *
   * @return [rows, length, images per row] of ones and zeros
   */
  public float[] visible() {
    int slots = imagesPerRow();
    float[] visible = new float[rows * length * slots];
    for (int row = 0; row < rows; row++) {
      for (int query = 0; query < length; query++) {
        int document = documentStart(row, query);
        for (int i = 0; i < starts[row].length; i++) {
          int first = starts[row][i] + 1;
          if (first > document && first <= query) {
            visible[(row * length + query) * slots + i] = 1;
          }
        }
      }
    }
    return visible;
  }

  /** The most images that any token sees; see {@link #visible}. */
  public int mostVisible() {
    int most = 0;
    for (int row = 0; row < rows; row++) {
      int seen = 0;
      for (int start = 0, place = 0; place < length; place++) {
        if (id(row, place) == special.beginning) {
          seen = 0;
        } else if (start < starts[row].length && starts[row][start] + 1 == place) {
          start++;
          seen++;
        }
        most = Math.max(most, seen);
      }
    }
    return most;
  }

  /** Tokens of text that count in the loss, and what should follow each. */
  public record TextTargets(long[] places, long[] targets) {

    private static TextTargets of(List<long[]> pairs) {
      return new TextTargets(
          pairs.stream().mapToLong(pair -> pair[0]).toArray(),
          pairs.stream().mapToLong(pair -> pair[1]).toArray());
    }
  }

  /**
   * The text to be learnt (DEEM's next-token loss): all but beginnings, padding, image tokens, a
   * start right after a beginning, and prompts.
   *
   * @param promptLengths tokens at the beginning of each row that do not count; null for none
   * @param onlyAfterImages whether text that no image of its document precedes does not count
   */
  public TextTargets textTargets(int[] promptLengths, boolean onlyAfterImages) {
    List<long[]> pairs = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int prompt = promptLengths == null ? 0 : promptLengths[row];
      for (int i = 0; i + 1 < length; i++) {
        int next = i + 1;
        boolean counts =
            next >= prompt && learnt(row, next) && (!onlyAfterImages || followsImage(row, next));
        if (counts) {
          pairs.add(new long[] {(long) row * length + i, id(row, next)});
        }
      }
    }
    return TextTargets.of(pairs);
  }

  /**
   * Text to be learnt, chosen token by token.
   *
   * @param learnt for each row, whether each of its tokens before padding counts as a target
   */
  public TextTargets textTargets(List<boolean[]> learnt) {
    List<long[]> pairs = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int first = 0;
      while (!real[row][first]) {
        first++;
      }
      boolean[] chosen = learnt.get(row);
      for (int i = 1; i < chosen.length; i++) {
        if (chosen[i]) {
          pairs.add(new long[] {(long) row * length + first + i - 1, id(row, first + i)});
        }
      }
    }
    return TextTargets.of(pairs);
  }

  /**
   * What the image decoder is told about each image: the text of its document up to its start.
   *
   * @param rows [images, longest]: row * length + column of each token, the image's start first and
   *     so backwards in time; 0 where there is none
   * @param mask [images, longest]: 1 for a token, else 0
   * @param lengths the number of tokens for each image
   * @param longest the largest of them
   * @param previous for each image the number of the one before it in its document, or -1
   */
  public record ImageContexts(
      long[] rows, long[] mask, int[] lengths, int longest, int[] previous) {}

  /** The contexts of all images, each from the beginning of its document. */
  public ImageContexts imageContexts() {
    return imageContexts(false);
  }

  /**
   * The contexts of all images.
   *
   * @param wholeRows whether contexts begin where their row does, padding included, whatever
   *     documents it has: the reference draws images so
   */
  public ImageContexts imageContexts(boolean wholeRows) {
    int images = images();
    int[] lengths = new int[images];
    int[] previous = new int[images];
    int[] begins = new int[images];
    int image = 0;
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < starts[row].length; i++, image++) {
        int start = starts[row][i];
        begins[image] = wholeRows ? 0 : Math.max(0, documentStart(row, start));
        lengths[image] = start - begins[image] + 1;
        previous[image] = i > 0 && starts[row][i - 1] >= begins[image] ? image - 1 : -1;
      }
    }
    int longest = Arrays.stream(lengths).max().orElse(0);
    long[] places = new long[images * longest];
    long[] mask = new long[images * longest];
    long[] startPlaces = startPlaces();
    for (image = 0; image < images; image++) {
      for (int back = 0; back < lengths[image]; back++) {
        places[image * longest + back] = startPlaces[image] - back;
        mask[image * longest + back] = 1;
      }
    }
    return new ImageContexts(places, mask, lengths, longest, previous);
  }

  private boolean learnt(int row, int place) {
    long id = id(row, place);
    boolean startOfDocument =
        id == special.imageStart && place > 0 && id(row, place - 1) == special.beginning;
    return real[row][place]
        && id != special.padding
        && id != special.image
        && id != special.beginning
        && !startOfDocument;
  }

  private boolean followsImage(int row, int place) {
    int last = -1;
    for (int start : starts[row]) {
      last = start <= place ? start : last;
    }
    return last >= 0 && last >= Math.max(0, documentStart(row, place));
  }

  /** The last beginning at or before a place, or -1. */
  private int documentStart(int row, int place) {
    for (int i = place; i >= 0; i--) {
      if (id(row, i) == special.beginning) {
        return i;
      }
    }
    return -1;
  }

  private long[] places(int count, int offset) {
    long[] places = new long[images() * count];
    int at = 0;
    for (int row = 0; row < rows; row++) {
      for (int start : starts[row]) {
        for (int i = 0; i < count; i++) {
          places[at++] = (long) row * length + start + offset + i;
        }
      }
    }
    return places;
  }

  private long id(int row, int place) {
    return ids[row * length + place];
  }
}
