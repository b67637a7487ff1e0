package io.deem.weights.quantized;

/**
 * Quantises rows, one block after another. For each block it tries a few ranges for the codes and
 * keeps the one with the least squared error.
 *
 * <p>For given codes the best scale is that of a least-squares fit, {@code sum(x q) / sum(q q)}
 * with {@code q} counted from the zero point, and leaves the error {@code sum(x x) - sum(x q)^2 /
 * sum(q q)}; so the candidate with the largest {@code sum(x q)^2 / sum(q q)} wins. A range a little
 * narrower than the block's clips its outermost number and serves all the others better; a
 * candidate that clips nothing is always among them, so the error is never more than that of
 * scaling by the largest number alone.
 *
 * <p>Not for several threads at once. The result depends on the numbers alone.
 */
final class BlockQuantizer {

  /** Added and taken away, it rounds a float of less than 2^22 to the nearest integer. */
  private static final float ROUNDING = 0x1.8p23f;

  /** Blocks of numbers below this become zeros: the inverse of a scale must stay finite. */
  private static final float TINY = 1e-30f;

  /**
   * What the outermost number is scaled to, in symmetric codes of four bits: 8 is the outermost
   * code, what is beyond is clipped, and 7 leaves the two signs alike. Further or denser candidates
   * lower the error by less than a hundredth.
   */
  private static final float[] REACH_4_SYMMETRIC = {8f, 7f, 7.5f, 8.5f, 9f, 9.5f, 10f};

  /** What the whole range is spread over, in asymmetric codes of four bits: 15 fits exactly. */
  private static final float[] REACH_4_ASYMMETRIC = {15f, 14.25f, 16f, 17f, 18f, 19f};

  private final Quantization quantization;
  private final float[] reaches;
  private final int middle;
  private final int largest;
  private float[] codes;
  private float[] best;

  private double bestFit;
  private float bestScale;
  private int bestZeroPoint;

  BlockQuantizer(Quantization quantization) {
    this.quantization = quantization;
    middle = quantization.middle();
    largest = 2 * middle - 1;
    codes = new float[quantization.blockSize()];
    best = new float[quantization.blockSize()];
    // With eight bits the error is so small that no range is better than the block's own.
    if (quantization.bits() == 8) {
      reaches = new float[] {quantization.symmetric() ? middle : largest};
    } else {
      reaches = quantization.symmetric() ? REACH_4_SYMMETRIC : REACH_4_ASYMMETRIC;
    }
  }

  /**
   * Quantises one row.
   *
   * @param x holds the row
   * @param from where it starts
   * @param columns its length
   * @param packed takes {@code blocks * blockBytes} bytes of codes, from {@code packedAt} on
   * @param scales takes a scale for each block, from {@code scalesAt} on
   * @param zeroPoints takes the packed zero points, from {@code zerosAt} on; not used when
   *     symmetric
   * @return the index of the first number that is not finite, or -1 when the row was quantised
   */
  int quantize(
      float[] x,
      int from,
      int columns,
      byte[] packed,
      int packedAt,
      float[] scales,
      int scalesAt,
      byte[] zeroPoints,
      int zerosAt) {
    int size = quantization.blockSize();
    int blocks = (int) quantization.blocks(columns);
    for (int block = 0; block < blocks; block++) {
      int start = from + block * size;
      int count = Math.min(size, columns - block * size);
      if (!search(x, start, count)) {
        return firstNotFinite(x, start, count) - from;
      }
      scales[scalesAt + block] = bestScale;
      pack(packed, packedAt + block * quantization.blockBytes(), count);
      if (!quantization.symmetric()) {
        packZeroPoint(zeroPoints, zerosAt, block);
      }
    }
    return -1;
  }

  /** Finds the block's codes, scale and zero point; false when a number is not finite. */
  private boolean search(float[] x, int from, int count) {
    float low = 0;
    float high = 0;
    float check = 0;
    for (int i = from; i < from + count; i++) {
      low = Math.min(low, x[i]);
      high = Math.max(high, x[i]);
      check += x[i] * 0f;
    }
    if (check != 0) {
      return false;
    }
    bestFit = -1;
    bestScale = 0;
    bestZeroPoint = middle;
    if (Math.max(high, -low) < TINY) {
      for (int i = 0; i < count; i++) {
        best[i] = 0;
      }
      return true;
    }
    for (float reach : reaches) {
      if (quantization.symmetric()) {
        // The outermost number goes to the negative end, which has one code more.
        float outermost = high >= -low ? high : low;
        consider(x, from, count, -reach / outermost, middle);
      } else {
        // In halves: the range of the largest numbers is beyond single precision.
        float inverse = reach * 0.5f / (high * 0.5f - low * 0.5f);
        int zeroPoint = Math.round(-low * inverse - (reach - largest) * 0.5f);
        consider(x, from, count, inverse, Math.max(0, Math.min(largest, zeroPoint)));
      }
    }
    return true;
  }

  private void consider(float[] x, int from, int count, float inverse, int zeroPoint) {
    float lowest = -zeroPoint;
    float highest = largest - zeroPoint;
    for (int i = 0; i < count; i++) {
      float rounded = (x[from + i] * inverse + ROUNDING) - ROUNDING;
      codes[i] = Math.max(lowest, Math.min(highest, rounded));
    }
    double xq = 0;
    double qq = 0;
    for (int i = 0; i < count; i++) {
      xq += (double) x[from + i] * codes[i];
      qq += (double) codes[i] * codes[i];
    }
    double fit = qq == 0 ? 0 : xq * xq / qq;
    if (fit > bestFit) {
      bestFit = fit;
      // The outermost code must not stand for a number beyond single precision.
      float limit = Float.MAX_VALUE / Math.max(-lowest, highest);
      bestScale = qq == 0 ? 0 : Math.max(-limit, Math.min(limit, (float) (xq / qq)));
      bestZeroPoint = zeroPoint;
      float[] swap = best;
      best = codes;
      codes = swap;
    }
  }

  /** Writes the block's codes; beyond the row's end they stand for zero. */
  private void pack(byte[] packed, int at, int count) {
    int bytes = quantization.blockBytes();
    if (quantization.bits() == 8) {
      for (int i = 0; i < bytes; i++) {
        packed[at + i] = (byte) code(i, count);
      }
    } else {
      for (int i = 0; i < bytes; i++) {
        packed[at + i] = (byte) (code(2 * i, count) | code(2 * i + 1, count) << 4);
      }
    }
  }

  private int code(int i, int count) {
    return i < count ? (int) best[i] + bestZeroPoint : bestZeroPoint;
  }

  private void packZeroPoint(byte[] zeroPoints, int at, int block) {
    if (quantization.bits() == 8) {
      zeroPoints[at + block] = (byte) bestZeroPoint;
    } else if (block % 2 == 0) {
      zeroPoints[at + block / 2] = (byte) bestZeroPoint;
    } else {
      zeroPoints[at + block / 2] |= (byte) (bestZeroPoint << 4);
    }
  }

  private static int firstNotFinite(float[] x, int from, int count) {
    int i = from;
    while (i < from + count && Float.isFinite(x[i])) {
      i++;
    }
    return i;
  }
}
