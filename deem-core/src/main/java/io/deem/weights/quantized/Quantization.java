package io.deem.weights.quantized;

/**
 * How the rows of a matrix are stored in few bits. A row is cut into blocks of {@code blockSize}
 * numbers; number {@code x} of a block becomes the code {@code q}, an unsigned integer of {@code
 * bits} bits, and stands for {@code scale * (q - zeroPoint)}, with one {@code scale} (single
 * precision, of either sign) and one {@code zeroPoint} for each block. Symmetric: every zero point
 * is the middle code, {@code 2^(bits-1)}, and is not stored.
 *
 * @param bits 4 or 8
 * @param blockSize 16, 32, 64, 128 or 256
 * @param symmetric whether all zero points are the middle code
 */
public record Quantization(int bits, int blockSize, boolean symmetric) {

  private static final int LARGEST_CHOICE = 128;
  private static final int SMALLEST_CHOICE = 32;

  /** Checks the values. */
  public Quantization {
    if (bits != 4 && bits != 8) {
      throw new IllegalArgumentException("quantisation to " + bits + " bits; can do 4 and 8");
    }
    if (Integer.bitCount(blockSize) != 1 || blockSize < 16 || blockSize > 256) {
      throw new IllegalArgumentException(
          "quantisation in blocks of " + blockSize + "; can do 16, 32, 64, 128 and 256");
    }
  }

  /**
   * Symmetric blocks for a model whose rows are multiples of {@code width}: of 128 numbers, or, if
   * they do not divide it, of 64, else of 32. Products with larger blocks are faster: on a
   * processor with AVX-512 a LLaMA in 4 bits writes an eighth to a fifth more tokens a second in
   * blocks of 128 than of 64.
   */
  public static Quantization forWidth(int bits, int width) {
    int block = LARGEST_CHOICE;
    while (block > SMALLEST_CHOICE && width % block != 0) {
      block /= 2;
    }
    return new Quantization(bits, block, true);
  }

  /** For file names and messages, such as {@code int4-block64-symmetric}. */
  public String name() {
    return "int" + bits + "-block" + blockSize + (symmetric ? "-symmetric" : "-asymmetric");
  }

  /** The number of blocks in a row; the last one may be filled up with zeros. */
  public long blocks(long columns) {
    return (columns + blockSize - 1) / blockSize;
  }

  /** The bytes of one block's codes. */
  public int blockBytes() {
    return blockSize * bits / 8;
  }

  /** The bytes of one row's zero points: they are packed like the codes, up to a whole byte. */
  public long zeroPointBytes(long columns) {
    return (blocks(columns) * bits + 7) / 8;
  }

  /** The zero point of symmetric blocks. */
  int middle() {
    return 1 << (bits - 1);
  }

  /** The shape of the codes of a matrix: {@code [rows, blocks, bytes of a block]}. */
  long[] codesShape(long rows, long columns) {
    return new long[] {rows, blocks(columns), blockBytes()};
  }

  /** The shape of the scales of a matrix: {@code [rows, blocks]}. */
  long[] scalesShape(long rows, long columns) {
    return new long[] {rows, blocks(columns)};
  }

  /** The shape of the packed zero points of a matrix: {@code [rows, bytes of a row's]}. */
  long[] zeroPointsShape(long rows, long columns) {
    return new long[] {rows, zeroPointBytes(columns)};
  }
}
