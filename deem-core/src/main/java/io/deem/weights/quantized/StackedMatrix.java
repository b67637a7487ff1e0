package io.deem.weights.quantized;

import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.util.List;
import java.util.Objects;

/**
 * A matrix to be quantised: one stored matrix, or several of equal width under one another, such as
 * a layer's query, key and value projections, which then are one product.
 *
 * @param name the name that the quantised matrix gets
 * @param parts the stored matrices, [rows, columns] of floating-point numbers, from the top down
 */
public record StackedMatrix(String name, List<String> parts) {

  private static final long MOST_COLUMNS = 1 << 24;

  /** Checks that there is something to stack. */
  public StackedMatrix {
    Objects.requireNonNull(name, "name");
    parts = List.copyOf(parts);
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("matrix \"" + name + "\" has no parts");
    }
  }

  /** One stored matrix under its own name. */
  public static StackedMatrix of(String name) {
    return new StackedMatrix(name, List.of(name));
  }

  /** Rows and columns of the whole. */
  record Size(long rows, long columns) {}

  /**
   * The size that the parts make.
   *
   * @throws IllegalArgumentException in one line, if a part is missing, is no matrix of
   *     floating-point numbers, or has another width than the first
   */
  Size size(TensorSource source) {
    long rows = 0;
    long columns = 0;
    for (String part : parts) {
      TensorInfo info = source.info(part);
      long[] shape = info.shape();
      if (shape.length != 2 || !info.type().isFloating() || info.elements() == 0) {
        throw new IllegalArgumentException(
            source.origin(part) + ": tensor " + info + " is not a matrix that can be quantised");
      }
      if (rows > 0 && shape[1] != columns) {
        throw new IllegalArgumentException(
            String.format(
                "%s: tensor %s cannot lie below %s: %d columns, not %d",
                source.origin(part), info, parts.get(0), shape[1], columns));
      }
      rows += shape[0];
      columns = shape[1];
    }
    if (columns > MOST_COLUMNS) {
      throw new IllegalArgumentException(
          source.origin(parts.get(0))
              + ": tensor "
              + parts.get(0)
              + " has "
              + columns
              + " columns, over the limit of "
              + MOST_COLUMNS);
    }
    return new Size(rows, columns);
  }
}
