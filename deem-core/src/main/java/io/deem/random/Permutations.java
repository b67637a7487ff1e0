package io.deem.random;

/** Orders and selections drawn from a {@link RandomSource}. */
public final class Permutations {

  private Permutations() {}

  /**
   * Draws an order of the numbers below {@code size}, each order equally likely: {@code size - 1}
   * integers, from the last place to the second.
   */
  public static int[] shuffled(int size, RandomSource random) {
    int[] order = identity(size);
    for (int last = size - 1; last > 0; last--) {
      swap(order, last, random.uniformInt(last + 1));
    }
    return order;
  }

  /**
   * Draws different numbers below {@code size}, each selection equally likely: {@code count}
   * integers, each the distance of the chosen number's place from the next free place.
   *
   * @throws IllegalArgumentException if more numbers are wanted than there are
   */
  public static int[] sample(int size, int count, RandomSource random) {
    if (count < 0 || count > size) {
      throw new IllegalArgumentException("cannot choose " + count + " of " + size);
    }
    int[] order = identity(size);
    int[] chosen = new int[count];
    for (int i = 0; i < count; i++) {
      swap(order, i, i + random.uniformInt(size - i));
      chosen[i] = order[i];
    }
    return chosen;
  }

  private static int[] identity(int size) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    return order;
  }

  private static void swap(int[] order, int a, int b) {
    int kept = order[a];
    order[a] = order[b];
    order[b] = kept;
  }
}
