package io.deem.weights.quantized;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The codes, scales and zero points of rows. */
class BlockQuantizerTest {

  /** One row's result, taken apart the slow way. */
  private record Row(int[] codes, float[] scales, int[] zeroPoints, int blockSize) {
    float value(int i) {
      return scales[i / blockSize] * (codes[i] - zeroPoints[i / blockSize]);
    }
  }

  static List<Quantization> all() {
    List<Quantization> all = new ArrayList<>();
    for (int bits : new int[] {4, 8}) {
      for (int size : new int[] {16, 32, 64, 128, 256}) {
        all.add(new Quantization(bits, size, true));
        all.add(new Quantization(bits, size, false));
      }
    }
    return all;
  }

  private static Row quantize(Quantization how, float[] x) {
    int blocks = (int) how.blocks(x.length);
    byte[] packed = new byte[blocks * how.blockBytes()];
    float[] scales = new float[blocks];
    byte[] zeros = new byte[(int) how.zeroPointBytes(x.length)];
    assertEquals(
        -1, new BlockQuantizer(how).quantize(x, 0, x.length, packed, 0, scales, 0, zeros, 0));
    int[] codes = new int[blocks * how.blockSize()];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = element(packed, how.bits(), i);
    }
    int[] zeroPoints = new int[blocks];
    for (int b = 0; b < blocks; b++) {
      zeroPoints[b] = how.symmetric() ? 1 << (how.bits() - 1) : element(zeros, how.bits(), b);
    }
    return new Row(codes, scales, zeroPoints, how.blockSize());
  }

  private static int element(byte[] packed, int bits, int i) {
    int firstBit = i * bits;
    int code = 0;
    for (int bit = 0; bit < bits; bit++) {
      int at = firstBit + bit;
      code |= (packed[at / 8] >> (at % 8) & 1) << bit;
    }
    return code;
  }

  private static float[] weights(int count, long seed) {
    Random random = new Random(seed);
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = (float) (random.nextGaussian() * 0.02);
      if (random.nextInt(100) == 0) {
        x[i] *= 6;
      }
    }
    return x;
  }

  /** The error of scaling by the block's extremes: the plainest rule there is. */
  private static double plainError(Quantization how, float[] x, int from, int to) {
    double low = 0;
    double high = 0;
    for (int i = from; i < to; i++) {
      low = Math.min(low, x[i]);
      high = Math.max(high, x[i]);
    }
    int most = (1 << how.bits()) - 1;
    int middle = 1 << (how.bits() - 1);
    double extreme = high >= -low ? high : low;
    double scale = how.symmetric() ? -extreme / middle : (high - low) / most;
    long zero = how.symmetric() ? middle : Math.round(-low / scale);
    double error = 0;
    for (int i = from; i < to; i++) {
      long code = Math.max(0, Math.min(most, Math.round(x[i] / scale) + zero));
      double difference = x[i] - scale * (code - zero);
      error += difference * difference;
    }
    return error;
  }

  @ParameterizedTest
  @MethodSource("all")
  void isNeverWorseThanScalingByTheExtremes(Quantization how) {
    // Not a multiple of any block size.
    float[] x = weights(3 * 256 + 37, how.hashCode());
    Row row = quantize(how, x);
    double ours = 0;
    double plain = 0;
    for (int from = 0; from < x.length; from += how.blockSize()) {
      int to = Math.min(x.length, from + how.blockSize());
      double error = 0;
      float extreme = 0;
      for (int i = from; i < to; i++) {
        error += Math.pow(x[i] - row.value(i), 2);
        extreme = Math.max(extreme, Math.abs(x[i]));
      }
      double reference = plainError(how, x, from, to);
      assertTrue(error <= reference * (1 + 1e-5) + 1e-12, "block at " + from + ": " + error);
      // No number may be off by more than what narrowing the range clips, a step and a half here.
      double step = extreme * (how.symmetric() ? 1 : 2) / (1 << (how.bits() - 1));
      for (int i = from; i < to; i++) {
        assertEquals(x[i], row.value(i), 2.5 * step, "number " + i);
      }
      ours += error;
      plain += reference;
    }
    if (how.bits() == 4) {
      assertTrue(ours < 0.98 * plain, "the search gains too little: " + ours / plain);
    }
    for (int i = x.length; i < row.codes.length; i++) {
      assertTrue(row.value(i) == 0, "beyond the end");
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void equalsTheFormulasComputedOneByOne(Quantization how) {
    float[] x = weights(2 * 256, 7 + how.hashCode());
    Row row = quantize(how, x);
    for (int block = 0; block * how.blockSize() < x.length; block++) {
      int from = block * how.blockSize();
      double best = Double.POSITIVE_INFINITY;
      for (double reach : reaches(how)) {
        best = Math.min(best, leastError(how, x, from, (float) reach));
      }
      double found = 0;
      for (int i = from; i < from + how.blockSize(); i++) {
        found += Math.pow(x[i] - row.value(i), 2);
      }
      // The scale is rounded to single precision, which shows where the error is small.
      assertEquals(best, found, 1e-4 * best, "block " + block);
    }
  }

  private static double[] reaches(Quantization how) {
    if (how.bits() == 8) {
      return new double[] {how.symmetric() ? 128 : 255};
    }
    return how.symmetric()
        ? new double[] {7, 7.5, 8, 8.5, 9, 9.5, 10}
        : new double[] {14.25, 15, 16, 17, 18, 19};
  }

  /** The squared error that is left when the scale is fitted to the codes. */
  private static double leastError(Quantization how, float[] x, int from, float reach) {
    float low = 0;
    float high = 0;
    for (int i = from; i < from + how.blockSize(); i++) {
      low = Math.min(low, x[i]);
      high = Math.max(high, x[i]);
    }
    int most = (1 << how.bits()) - 1;
    int zero = 1 << (how.bits() - 1);
    float inverse = -reach / (high >= -low ? high : low);
    if (!how.symmetric()) {
      inverse = reach / (high - low);
      zero = Math.max(0, Math.min(most, Math.round(-low * inverse - (reach - most) / 2)));
    }
    double xx = 0;
    double xq = 0;
    double qq = 0;
    for (int i = from; i < from + how.blockSize(); i++) {
      double q = Math.max(-zero, Math.min(most - zero, Math.rint(x[i] * inverse)));
      xx += (double) x[i] * x[i];
      xq += x[i] * q;
      qq += q * q;
    }
    return xx - xq * xq / qq;
  }

  @ParameterizedTest
  @MethodSource("all")
  void keepsNumbersThatLieOnTheGrid(Quantization how) {
    float[] x = new float[how.blockSize()];
    int half = 1 << (how.bits() - 1);
    for (int i = 0; i < x.length; i++) {
      x[i] = 0.25f * (i % (2 * half) - half);
    }
    // A block shorter than the grid must still reach its end.
    x[x.length - 1] = 0.25f * (half - 1);
    Row row = quantize(how, x);
    for (int i = 0; i < x.length; i++) {
      assertEquals(x[i], row.value(i), 1e-6f * half);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void takesAnyFiniteNumbers(Quantization how) {
    int size = how.blockSize();
    float[] x = new float[6 * size];
    for (int i = 0; i < size; i++) {
      x[size + i] = Float.MIN_VALUE * i;
      x[2 * size + i] = i % 2 == 0 ? Float.MAX_VALUE : -Float.MAX_VALUE;
      x[3 * size + i] = 5;
      x[4 * size + i] = -5;
      x[5 * size + i] = i == 3 ? 1e20f : 1e-20f;
    }
    Row row = quantize(how, x);
    for (int i = 0; i < x.length; i++) {
      double step = i < 3 * size && i >= 2 * size ? 3.5e38 * 2 / (1 << how.bits()) : 0;
      double tolerance = i < 2 * size ? 1e-30 : i >= 5 * size ? 1e20 / 4 : step + 1e-4;
      assertEquals(x[i], row.value(i), tolerance, "number " + i);
    }
    assertArrayEquals(new float[2], new float[] {row.scales[0], row.scales[1]});
  }

  @Test
  void saysWhichNumberIsNotFinite() {
    for (float strange :
        new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      float[] x = weights(100, 3);
      x[70] = strange;
      BlockQuantizer quantizer = new BlockQuantizer(new Quantization(4, 32, true));
      assertEquals(
          60, quantizer.quantize(x, 10, 90, new byte[64], 0, new float[3], 0, new byte[0], 0));
    }
  }

  @Test
  void refusesWhatNoKernelReads() {
    assertThrows(IllegalArgumentException.class, () -> new Quantization(2, 32, true));
    assertThrows(IllegalArgumentException.class, () -> new Quantization(4, 48, true));
    assertThrows(IllegalArgumentException.class, () -> new Quantization(4, 8, true));
    assertThrows(IllegalArgumentException.class, () -> new Quantization(4, 512, true));
    assertEquals("int4-block64-asymmetric", new Quantization(4, 64, false).name());
  }
}
