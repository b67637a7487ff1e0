package io.deem.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.stream.LongStream;

/**
 * Byte pair encoding with byte fall-back: a text's characters, those outside the vocabulary as
 * their UTF-8 bytes, are merged pair by pair, the pair of the best priority first and of equal ones
 * the leftmost. Takes n log n steps for n characters.
 */
final class BytePairEncoding {

  private static final int GONE = -1;

  private final Map<String, Integer> characters;
  private final int[] bytes;
  private final PairMerges merges;

  /**
   * Prepares the encoding.
   *
   * @param characters ids of the pieces that a text may begin with, by their text
   * @param bytes ids of the 256 byte pieces
   */
  BytePairEncoding(Map<String, Integer> characters, int[] bytes, PairMerges merges) {
    this.characters = characters;
    this.bytes = bytes;
    this.merges = merges;
  }

  /** Ids of a text in which spaces are written as the vocabulary writes them. */
  long[] encode(String text) {
    int[] symbols = symbols(text);
    int count = symbols.length;
    int[] previous = new int[count];
    int[] next = new int[count];
    PriorityQueue<Long> candidates = new PriorityQueue<>();
    for (int i = 0; i < count; i++) {
      previous[i] = i - 1;
      next[i] = i + 1;
    }
    for (int i = 0; i + 1 < count; i++) {
      offer(candidates, symbols, i, i + 1);
    }
    while (!candidates.isEmpty()) {
      long candidate = candidates.poll();
      int left = (int) candidate;
      int right = symbols[left] == GONE ? count : next[left];
      int place = right == count ? PairMerges.NONE : merges.find(symbols[left], symbols[right]);
      // What stood here when the candidate was found may have been merged with something else.
      if (place == PairMerges.NONE || merges.priority(place) != candidate >>> 32) {
        continue;
      }
      symbols[left] = merges.merged(place);
      symbols[right] = GONE;
      next[left] = next[right];
      if (next[left] < count) {
        previous[next[left]] = left;
        offer(candidates, symbols, left, next[left]);
      }
      if (previous[left] >= 0) {
        offer(candidates, symbols, previous[left], left);
      }
    }
    return Arrays.stream(symbols).filter(symbol -> symbol != GONE).asLongStream().toArray();
  }

  private void offer(PriorityQueue<Long> candidates, int[] symbols, int left, int right) {
    int place = merges.find(symbols[left], symbols[right]);
    if (place != PairMerges.NONE) {
      candidates.add((long) merges.priority(place) << 32 | left);
    }
  }

  private int[] symbols(String text) {
    LongStream.Builder symbols = LongStream.builder();
    for (int at = 0; at < text.length(); ) {
      int end = at + Character.charCount(text.codePointAt(at));
      String character = text.substring(at, end);
      Integer id = characters.get(character);
      if (id != null) {
        symbols.add(id);
      } else {
        for (byte value : character.getBytes(StandardCharsets.UTF_8)) {
          symbols.add(bytes[value & 0xff]);
        }
      }
      at = end;
    }
    return symbols.build().mapToInt(Math::toIntExact).toArray();
  }
}
