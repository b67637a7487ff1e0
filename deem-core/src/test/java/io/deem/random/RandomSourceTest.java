package io.deem.random;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RandomSourceTest {

  @Test
  void theGeneratorIsXoshiro256PlusPlus() {
    // First outputs of the authors' generator for the state 1, 2, 3, 4, shifted to 24 bits.
    long[] outputs = {41943041L, 58720359L, 3588806011781223L, 3591011842654386L};
    RandomSource random = RandomSource.seeded(0);
    random.restore(new long[] {1, 2, 3, 4});
    for (long output : outputs) {
      assertEquals((output >>> 40) * 0x1p-24f, random.uniform());
    }
  }

  @Test
  void equalSeedsGiveEqualDraws() {
    assertArrayEquals(RandomSource.seeded(7).state(), RandomSource.seeded(7).state());
    assertNotEquals(RandomSource.seeded(7).uniform(), RandomSource.seeded(8).uniform());
  }

  @Test
  void aRestoredStateGoesOnWithTheSameDraws() {
    RandomSource random = RandomSource.seeded(11);
    random.gaussian(new float[7]);
    long[] state = random.state();
    float[] first = new float[5];
    random.gaussian(first);
    int integer = random.uniformInt(1000);
    RandomSource other = RandomSource.seeded(0);
    other.restore(state);
    float[] second = new float[5];
    other.gaussian(second);
    assertArrayEquals(first, second);
    assertEquals(integer, other.uniformInt(1000));
    assertThrows(IllegalArgumentException.class, () -> other.restore(new long[4]));
    assertThrows(IllegalArgumentException.class, () -> other.restore(new long[3]));
  }

  @Test
  void gaussianDrawsHaveTheMomentsOfTheNormalDistribution() {
    int count = 200_001;
    float[] draws = new float[count];
    RandomSource.seeded(42).gaussian(draws);
    double[] moments = new double[5];
    for (float draw : draws) {
      for (int power = 1; power <= 4; power++) {
        moments[power] += Math.pow(draw, power) / count;
      }
    }
    assertEquals(0, moments[1], 0.01);
    assertEquals(1, moments[2], 0.02);
    assertEquals(0, moments[3], 0.04);
    assertEquals(3, moments[4], 0.12);
  }

  @Test
  void integersAreEvenlySpread() {
    int[] counts = new int[7];
    int[] draws = new int[70_000];
    RandomSource.seeded(1).uniformInts(7, draws);
    for (int draw : draws) {
      counts[draw]++;
    }
    for (int count : counts) {
      assertEquals(10_000, count, 400);
    }
    RandomSource random = RandomSource.seeded(2);
    assertEquals(0, random.uniformInt(1));
    int large = random.uniformInt(Integer.MAX_VALUE);
    assertTrue(large >= 0);
    assertThrows(IllegalArgumentException.class, () -> random.uniformInt(0));
  }

  @Test
  void uniformNumbersLieInTheUnitInterval() {
    float[] draws = new float[100_000];
    RandomSource.seeded(3).uniform(draws);
    double sum = 0;
    for (float draw : draws) {
      assertTrue(draw >= 0 && draw < 1);
      sum += draw;
    }
    assertEquals(0.5, sum / draws.length, 0.005);
  }

  @Test
  void storedDrawsAreReplayedInOrder() {
    StoredDraws draws = new StoredDraws().thenGaussian(1, 2).thenInts(5, 6).thenUniform(0.25f);
    float[] noise = new float[2];
    draws.gaussian(noise);
    assertArrayEquals(new float[] {1, 2}, noise);
    assertEquals(5, draws.uniformInt(10));
    assertEquals(2, draws.remaining());
    assertThrows(IllegalStateException.class, draws::uniform);
    assertThrows(IllegalStateException.class, () -> draws.uniformInt(6));
    draws.restore(new long[] {3});
    assertEquals(0.25f, draws.uniform());
    assertThrows(IllegalStateException.class, draws::uniform);
    draws.restore(new long[] {0});
    assertThrows(IllegalStateException.class, () -> draws.gaussian(new float[3]));
  }
}
