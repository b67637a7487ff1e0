package io.deem.training.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.random.RandomSource;
import org.junit.jupiter.api.Test;

class LinearProbeTest {

  private static final int WIDTH = 6;

  /** Items around a centre for each class; the last feature is the same for all. */
  private static float[][] items(int[] labels, double spread, long seed) {
    RandomSource random = RandomSource.seeded(seed);
    float[][] items = new float[labels.length][WIDTH];
    for (int i = 0; i < items.length; i++) {
      random.gaussian(items[i]);
      for (int k = 0; k < WIDTH; k++) {
        items[i][k] = 100 + 10 * (float) (spread * items[i][k] + (k == labels[i] ? 1 : 0));
      }
      items[i][WIDTH - 1] = 3;
    }
    return items;
  }

  private static int[] labels(int count) {
    int[] labels = new int[count];
    for (int i = 0; i < count; i++) {
      labels[i] = i % 4;
    }
    return labels;
  }

  private static double right(LinearProbe probe, float[][] items, int[] labels) {
    double right = 0;
    for (int i = 0; i < items.length; i++) {
      right += probe.classify(items[i]) == labels[i] ? 1.0 / items.length : 0;
    }
    return right;
  }

  @Test
  void itTellsApartWhatALineDivides() {
    int[] labels = labels(200);
    LinearProbe probe = LinearProbe.train(items(labels, 0.1, 1), labels, 4, 1e-3);
    assertEquals(1, right(probe, items(labels, 0.1, 2), labels), 1e-9);
    double noisy = right(probe, items(labels, 0.5, 3), labels);
    assertTrue(noisy > 0.6 && noisy < 1, "found " + noisy);
  }

  @Test
  void itIsAtTheOptimum() {
    // Two classes, one feature of -1 and 1: the weights are w and -w, with
    // penalty * w = 1 - sigmoid(2w) averaged over a quarter of wrong labels.
    float[][] x = {{-1}, {-1}, {-1}, {-1}, {1}, {1}, {1}, {1}};
    int[] labels = {0, 0, 0, 1, 1, 1, 1, 0};
    LinearProbe probe = LinearProbe.train(x, labels, 2, 0.1);
    double low = 0;
    double high = 2;
    for (int i = 0; i < 60; i++) {
      double w = (low + high) / 2;
      double slope = 0.75 - 1 / (1 + Math.exp(-2 * w)) - 0.1 * w;
      low = slope > 0 ? w : low;
      high = slope > 0 ? high : w;
    }
    double expected = 1 / (1 + Math.exp(-2 * low));
    assertEquals(expected, probe.probabilities(new float[] {1})[1], 1e-4);
    assertEquals(expected, probe.probabilities(new float[] {-1})[0], 1e-4);
  }

  @Test
  void theConstantIsNotPenalised() {
    float[][] x = {{0}, {0}, {0}, {0}};
    LinearProbe probe = LinearProbe.train(x, new int[] {0, 0, 0, 1}, 2, 10);
    assertEquals(0.75, probe.probabilities(new float[] {0})[0], 1e-3);
  }

  @Test
  void theSameItemsGiveTheSameBits() {
    int[] labels = labels(101);
    float[][] items = items(labels, 0.5, 4);
    float[] first = LinearProbe.train(items, labels, 4, 0.01).probabilities(items[7]);
    assertArrayEquals(first, LinearProbe.train(items, labels, 4, 0.01).probabilities(items[7]), 0f);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    float[][] x = {{1}, {2}};
    assertThrows(IllegalArgumentException.class, () -> LinearProbe.train(x, new int[] {0}, 2, 1));
    assertThrows(
        IllegalArgumentException.class, () -> LinearProbe.train(x, new int[] {0, 2}, 2, 1));
    assertThrows(
        IllegalArgumentException.class, () -> LinearProbe.train(x, new int[] {0, 1}, 2, 0));
    LinearProbe probe = LinearProbe.train(x, new int[] {0, 1}, 2, 1);
    assertThrows(IllegalArgumentException.class, () -> probe.classify(new float[2]));
  }
}
