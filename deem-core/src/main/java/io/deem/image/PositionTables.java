package io.deem.image;

import io.deem.graph.Resampling;

/** The fixed tables that tell a network where a token lies. */
public final class PositionTables {
  private PositionTables() {}

  /**
   * Sines and cosines of positions in a sequence. With w(k) = 10000^(-2k/dim), k from 0 to dim/2 -
   * 1, row p is [sin(p w) | cos(p w)].
   *
   * @param dim width of a row, even
   * @param length number of rows
   * @return [length, dim]
   * @throws IllegalArgumentException if the width is odd or not positive, or the length negative
   */
  public static float[] sincos1d(int dim, int length) {
    requireMultiple(dim, 2);
    if (length < 0) {
      throw new IllegalArgumentException("a position table cannot have " + length + " rows");
    }
    float[] table = new float[Math.multiplyExact(length, dim)];
    for (int position = 0; position < length; position++) {
      fill(table, position * dim, dim / 2, position);
    }
    return table;
  }

  /**
   * Sines and cosines of positions in a square. With w(k) = 10000^(-4k/dim), k from 0 to dim/4 - 1,
   * the row of (y, x) is [sin(y w) | cos(y w) | sin(x w) | cos(x w)]; rows are in row-major order.
   *
   * @param dim width of a row, a multiple of 4
   * @param grid height and width of the square
   * @param classRow whether a row of zeros for a class token comes first
   * @return [grid * grid, dim], or one row more
   * @throws IllegalArgumentException if the width is no multiple of 4, or a size is not positive
   */
  public static float[] sincos2d(int dim, int grid, boolean classRow) {
    requireMultiple(dim, 4);
    if (grid <= 0) {
      throw new IllegalArgumentException("a position grid cannot have " + grid + " rows");
    }
    int first = classRow ? 1 : 0;
    int rows = Math.addExact(Math.multiplyExact(grid, grid), first);
    float[] table = new float[Math.multiplyExact(rows, dim)];
    int at = first * dim;
    for (int y = 0; y < grid; y++) {
      for (int x = 0; x < grid; x++) {
        fill(table, at, dim / 4, y);
        fill(table, at + dim / 2, dim / 4, x);
        at += dim;
      }
    }
    return table;
  }

  /**
   * Fits a table of positions in a square to another number of tokens, by bicubic interpolation
   * ({@code get_abs_pos} of the reference). A table whose number of rows is no square has a row for
   * a class token first, which is kept as it is. Equal squares leave the table unchanged.
   *
   * @param table [rows, dim]
   * @param tokens the number of tokens wanted, with or without a class token
   * @return [side * side, dim] with side the root of {@code tokens} rounded down, or one row more
   *     where the table has a class token
   * @throws IllegalArgumentException if the table is empty or holds no whole rows, or no tokens are
   *     wanted
   */
  public static float[] fitted(float[] table, int dim, int tokens) {
    if (dim <= 0 || table.length == 0 || table.length % dim != 0) {
      throw new IllegalArgumentException(
          table.length + " values are no whole position table of width " + dim);
    }
    if (tokens <= 0) {
      throw new IllegalArgumentException(
          "a position table cannot be fitted to " + tokens + " tokens");
    }
    int rows = table.length / dim;
    int from = (int) Math.sqrt(rows);
    int to = (int) Math.sqrt(tokens);
    if (from == to) {
      return table.clone();
    }
    int first = rows == from * from ? 0 : rows - from * from;
    float[] planes = new float[from * from * dim];
    for (int row = 0; row < from * from; row++) {
      for (int channel = 0; channel < dim; channel++) {
        planes[channel * from * from + row] = table[(first + row) * dim + channel];
      }
    }
    float[] resized =
        Interpolation.resize(planes, dim, from, from, to, to, Resampling.BICUBIC, false);
    float[] fitted = new float[(first + to * to) * dim];
    System.arraycopy(table, 0, fitted, 0, first * dim);
    for (int row = 0; row < to * to; row++) {
      for (int channel = 0; channel < dim; channel++) {
        fitted[(first + row) * dim + channel] = resized[channel * to * to + row];
      }
    }
    return fitted;
  }

  /**
   * Writes the sines, then the cosines, of one coordinate. Frequencies and angles are rounded to
   * single precision, as in the reference: at large positions that shows.
   */
  private static void fill(float[] table, int at, int frequencies, int position) {
    for (int k = 0; k < frequencies; k++) {
      float frequency = 1 / (float) Math.pow(10000, (float) k / frequencies);
      float angle = position * frequency;
      table[at + k] = (float) Math.sin(angle);
      table[at + frequencies + k] = (float) Math.cos(angle);
    }
  }

  private static void requireMultiple(int dim, int of) {
    if (dim <= 0 || dim % of != 0) {
      throw new IllegalArgumentException(
          "the width of a position table must be a multiple of " + of + ", was " + dim);
    }
  }
}
