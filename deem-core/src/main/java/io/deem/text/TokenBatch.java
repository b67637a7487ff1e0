package io.deem.text;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Rows of token ids, filled up to one length. Immutable. */
public final class TokenBatch {

  /** Where rows are filled up. */
  public enum Side {
    /** Before the text, for generation. */
    LEFT,
    /** After the text, for training. */
    RIGHT
  }

  private final List<long[]> texts;
  private final int length;
  private final long padding;
  private final Side side;

  private TokenBatch(List<long[]> texts, int length, long padding, Side side) {
    this.texts = texts;
    this.length = length;
    this.padding = padding;
    this.side = side;
  }

  /**
   * Fills rows up to the longest of them.
   *
   * @param texts token ids of each row
   * @param padding what rows are filled up with
   */
  public static TokenBatch of(List<long[]> texts, long padding, Side side) {
    List<long[]> copies = texts.stream().map(long[]::clone).collect(Collectors.toList());
    int length = copies.stream().mapToInt(text -> text.length).max().orElse(0);
    return new TokenBatch(copies, length, padding, side);
  }

  /**
   * Encodes texts, each after one begin-of-sequence token, and fills them up to the longest.
   *
   * @param longest most tokens of a row; a longer one is cut at its right end
   * @param padding what rows are filled up with
   */
  public static TokenBatch encode(
      Tokenizer tokenizer, List<String> texts, int longest, long padding, Side side) {
    return of(
        texts.stream()
            .map(text -> cut(tokenizer.encode(text), longest))
            .collect(Collectors.toList()),
        padding,
        side);
  }

  private static long[] cut(long[] ids, int longest) {
    return ids.length <= longest ? ids : Arrays.copyOf(ids, longest);
  }

  /** The number of rows. */
  public int rows() {
    return texts.size();
  }

  /** Tokens in a row, padding included. */
  public int length() {
    return length;
  }

  /** The token ids of a row without padding. */
  public long[] row(int row) {
    return texts.get(row).clone();
  }

  /** The token ids, [rows, length]. */
  public long[] ids() {
    long[] ids = new long[rows() * length];
    Arrays.fill(ids, padding);
    for (int row = 0; row < rows(); row++) {
      long[] text = texts.get(row);
      System.arraycopy(text, 0, ids, first(row), text.length);
    }
    return ids;
  }

  /** 1 for a token, 0 for padding, [rows, length]. */
  public long[] mask() {
    long[] mask = new long[rows() * length];
    for (int row = 0; row < rows(); row++) {
      Arrays.fill(mask, first(row), first(row) + texts.get(row).length, 1);
    }
    return mask;
  }

  private int first(int row) {
    int start = row * length;
    return side == Side.LEFT ? start + length - texts.get(row).length : start;
  }
}
