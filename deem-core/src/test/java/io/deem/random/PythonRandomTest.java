package io.deem.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Known answers of CPython 3.11. */
class PythonRandomTest {
  @Test
  void shufflesAsPython() {
    List<Integer> few = numbers(12);
    PythonRandom random = new PythonRandom(8823);
    random.shuffle(few);
    assertEquals(List.of(8, 5, 9, 0, 3, 2, 6, 4, 7, 1, 10, 11), few);
    assertEquals(0.9466762524571661, random.uniform());
    assertEquals(0.8898803050077824, random.uniform());
    assertEquals(0.320060978908955, random.uniform());
    List<Integer> many = numbers(1000);
    new PythonRandom(8823).shuffle(many);
    assertEquals(List.of(912, 242, 940, 243, 930), many.subList(0, 5));
    assertEquals(List.of(109, 688, 895, 753, 857), many.subList(995, 1000));
  }

  @Test
  void seedsOfTwoWords() {
    assertEquals(0.9347776687500858, new PythonRandom(5489 + (7L << 40)).uniform());
    assertEquals(0.8444218515250481, new PythonRandom(0).uniform());
    assertEquals(new PythonRandom(3).uniform(), new PythonRandom(-3).uniform());
    assertThrows(IllegalArgumentException.class, () -> new PythonRandom(1).uniformInt(0));
  }

  @Test
  void permutationsHoldEveryNumberOnce() {
    RandomSource random = RandomSource.seeded(5);
    int[] order = Permutations.shuffled(50, random);
    assertArrayEquals(IntStream.range(0, 50).toArray(), Arrays.stream(order).sorted().toArray());
    assertEquals(7, Arrays.stream(Permutations.sample(9, 7, random)).distinct().count());
    int[] drawn = Permutations.sample(4, 2, new StoredDraws().thenInts(2, 2));
    assertArrayEquals(new int[] {2, 3}, drawn);
    assertThrows(IllegalArgumentException.class, () -> Permutations.sample(2, 3, random));
  }

  private static List<Integer> numbers(int count) {
    return new ArrayList<>(IntStream.range(0, count).boxed().toList());
  }
}
