package io.deem.random;

import java.util.ArrayList;
import java.util.List;

/**
 * Replays recorded draws in the order in which they were recorded, and refuses a caller that asks
 * for anything else. A run that is fed with the draws of another implementation must give that
 * implementation's numbers.
 */
public final class StoredDraws implements RandomSource {

  private final List<Object> draws = new ArrayList<>();
  private int used;

  /**
   * Records the answer to one call of {@link #gaussian}.
   *
   * @param noise the values, as many as will be asked for
   * @return this
   */
  public StoredDraws thenGaussian(float... noise) {
    draws.add(noise.clone());
    return this;
  }

  /**
   * Records the answers to as many calls of {@link #uniform()} as there are values.
   *
   * @param values numbers in [0, 1)
   * @return this
   */
  public StoredDraws thenUniform(float... values) {
    for (float value : values) {
      draws.add(value);
    }
    return this;
  }

  /**
   * Records the answers to as many calls of {@link #uniformInt} as there are values.
   *
   * @param values integers below the bound that will be asked for
   * @return this
   */
  public StoredDraws thenInts(int... values) {
    for (int value : values) {
      draws.add(value);
    }
    return this;
  }

  /**
   * Counts the draws that are left.
   *
   * @return how many recorded draws nobody has asked for
   */
  public int remaining() {
    return draws.size() - used;
  }

  @Override
  public void gaussian(float[] out) {
    float[] noise = next(float[].class, "noise of " + out.length + " values");
    if (noise.length != out.length) {
      throw new IllegalStateException(
          "draw " + (used - 1) + " holds " + noise.length + " values of noise, not " + out.length);
    }
    System.arraycopy(noise, 0, out, 0, out.length);
  }

  @Override
  public float uniform() {
    return next(Float.class, "a uniform number");
  }

  @Override
  public int uniformInt(int bound) {
    int value = next(Integer.class, "an integer below " + bound);
    if (value < 0 || value >= bound) {
      throw new IllegalStateException(
          "draw " + (used - 1) + " is " + value + ", not below " + bound);
    }
    return value;
  }

  @Override
  public long[] state() {
    return new long[] {used};
  }

  @Override
  public void restore(long[] state) {
    if (state.length != 1 || state[0] < 0 || state[0] > draws.size()) {
      throw new IllegalArgumentException("the state of stored draws is their position");
    }
    used = (int) state[0];
  }

  private <T> T next(Class<T> kind, String wanted) {
    if (used == draws.size()) {
      throw new IllegalStateException(
          "all " + used + " stored draws are used up; wanted " + wanted);
    }
    Object draw = draws.get(used);
    if (!kind.isInstance(draw)) {
      throw new IllegalStateException(
          "draw " + used + " is a " + draw.getClass().getSimpleName() + "; wanted " + wanted);
    }
    used++;
    return kind.cast(draw);
  }
}
