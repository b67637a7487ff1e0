package io.deem.cases;

import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** Numbers with a shape, for computing in plain Java what an operation should return. */
public record Nd(double[] values, int... shape) {

  public Nd {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    if (size != values.length) {
      throw new IllegalArgumentException(values.length + " values, " + Arrays.toString(shape));
    }
  }

  /** An element for each index. */
  public interface Formula {
    double at(int[] index);
  }

  public static Nd of(int[] shape, Formula formula) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    double[] values = new double[size];
    int[] index = new int[shape.length];
    for (int i = 0; i < size; i++) {
      int rest = i;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        index[axis] = rest % shape[axis];
        rest /= shape[axis];
      }
      values[i] = formula.at(index);
    }
    return new Nd(values, shape);
  }

  public static Nd list(double... values) {
    return new Nd(values, values.length);
  }

  public static Nd scalar(double value) {
    return new Nd(new double[] {value});
  }

  /**
   * Odd multiples of 1/128 between -2 and 2, all different while there are at most 256 of them.
   * They are exact in bfloat16, and never at a kink such as 0, a half or a pixel's centre.
   */
  public static Nd random(long seed, int... shape) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    int[] order = IntStream.range(0, 256).toArray();
    Random random = new Random(seed);
    double[] values = new double[size];
    for (int i = 0; i < size; i++) {
      int at = i % 256;
      int other = at + random.nextInt(256 - at);
      int chosen = order[other];
      order[other] = order[at];
      order[at] = chosen;
      values[i] = (2 * chosen + 1 - 256) / 128.0;
    }
    return new Nd(values, shape);
  }

  /** As {@link #random}, between 2 and 4 in steps that are exact in bfloat16. */
  public static Nd positive(long seed, int... shape) {
    return random(seed, shape).map(x -> 3 + Math.floor(x * 32) / 64);
  }

  public Nd map(DoubleUnaryOperator operator) {
    return new Nd(Arrays.stream(values).map(operator).toArray(), shape);
  }

  public Nd reshape(int... to) {
    return new Nd(values, to);
  }

  /** The element at an index; axes of extent 1, and missing leading ones, are stretched. */
  public double at(int... index) {
    int offset = 0;
    for (int axis = 0; axis < shape.length; axis++) {
      int i = index[index.length - shape.length + axis];
      if (shape[axis] == 1) {
        i = 0;
      } else if (i < 0 || i >= shape[axis]) {
        throw new IndexOutOfBoundsException(
            Arrays.toString(index) + " in " + Arrays.toString(shape));
      }
      offset = offset * shape[axis] + i;
    }
    return values[offset];
  }

  /** The element of the last two axes' map, or 0 outside it. */
  public double padded(int first, int second, int y, int x) {
    return y < 0 || x < 0 || y >= shape[2] || x >= shape[3] ? 0 : at(first, second, y, x);
  }

  public static double sum(int count, IntToDoubleFunction term) {
    return IntStream.range(0, count).mapToDouble(term).sum();
  }

  public float[] floats() {
    float[] result = new float[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) values[i];
    }
    return result;
  }

  public long[] extents() {
    return Arrays.stream(shape).asLongStream().toArray();
  }
}
