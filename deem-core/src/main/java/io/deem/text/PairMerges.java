package io.deem.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which pairs of neighbouring pieces become one piece, and which pair goes first. Immutable; pairs
 * are found by binary search.
 */
final class PairMerges {

  /** What {@link #find} returns where two pieces stay apart. */
  static final int NONE = -1;

  private final long[] pairs;
  private final int[] priorities;
  private final int[] merged;

  private PairMerges(Collection<Merge> unordered) {
    List<Merge> merges = new ArrayList<>(unordered);
    merges.sort(Comparator.comparingLong(Merge::pair));
    pairs = new long[merges.size()];
    priorities = new int[merges.size()];
    merged = new int[merges.size()];
    for (int i = 0; i < pairs.length; i++) {
      pairs[i] = merges.get(i).pair;
      priorities[i] = merges.get(i).priority;
      merged[i] = merges.get(i).merged;
    }
  }

  private record Merge(long pair, int priority, int merged) {}

  /** The place of a pair in the table, or {@link #NONE}. */
  int find(int left, int right) {
    int place = Arrays.binarySearch(pairs, pair(left, right));
    return place < 0 ? NONE : place;
  }

  /** The smaller, the earlier a pair is merged. */
  int priority(int place) {
    return priorities[place];
  }

  /** The id of the piece that the pair becomes. */
  int merged(int place) {
    return merged[place];
  }

  /** The number of pairs. */
  int size() {
    return pairs.length;
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }

  /** Collects pairs; of equal pairs the last counts. */
  static final class Builder {

    private final Map<Long, Merge> merges = new HashMap<>();

    void add(int left, int right, int priority, int merged) {
      long pair = pair(left, right);
      merges.put(pair, new Merge(pair, priority, merged));
    }

    PairMerges build() {
      return new PairMerges(merges.values());
    }
  }
}
