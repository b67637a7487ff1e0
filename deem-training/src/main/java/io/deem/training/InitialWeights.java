package io.deem.training;

import io.deem.graph.Param;
import io.deem.random.RandomSource;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Weights to start from: those set one by one, those of a checkpoint, and for the rest random
 * values.
 *
 * <p>A random matrix or kernel is normal with standard deviation {@code 1 / sqrt(fan-in)}, cut at
 * two deviations; biases are zero, and norms' weights one. Each tensor's draws depend on the seed
 * and the tensor's name alone.
 */
public final class InitialWeights implements TensorSource {

  private final Map<String, TensorInfo> infos = new LinkedHashMap<>();
  private final Map<String, Supplier<float[]>> values = new LinkedHashMap<>();
  private final long seed;

  /** Random weights for parameters. */
  public InitialWeights(Collection<Param> params, long seed) {
    this.seed = seed;
    for (Param param : params) {
      long[] shape = param.shape().extents();
      long length = Float.BYTES;
      for (long extent : shape) {
        length = Math.multiplyExact(length, extent);
      }
      infos.put(param.name(), new TensorInfo(param.name(), ElementType.F32, shape, 0, length));
      values.put(param.name(), () -> random(param));
    }
  }

  /** Takes from a checkpoint what it has under the same name, which must have the same shape. */
  public InitialWeights from(TensorSource checkpoint) {
    for (TensorInfo info : infos.values()) {
      if (checkpoint.contains(info.name())) {
        checkpoint.require(info.name(), info.shape());
        values.put(info.name(), () -> checkpoint.floats(info.name()));
      }
    }
    return this;
  }

  /**
   * Takes tensors from a checkpoint that has them under other names; null keeps a tensor as it is.
   */
  public InitialWeights from(TensorSource checkpoint, UnaryOperator<String> nameThere) {
    for (TensorInfo info : infos.values()) {
      String other = nameThere.apply(info.name());
      if (other != null) {
        checkpoint.require(other, info.shape());
        values.put(info.name(), () -> checkpoint.floats(other));
      }
    }
    return this;
  }

  /** Sets one tensor. */
  public InitialWeights set(String name, Supplier<float[]> tensor) {
    info(name);
    values.put(name, tensor);
    return this;
  }

  /** Sets every element of the tensors whose name ends with a text. */
  public InitialWeights fill(String suffix, float value) {
    infos.keySet().stream()
        .filter(name -> name.endsWith(suffix))
        .forEach(name -> values.put(name, () -> full(name, value)));
    return this;
  }

  @Override
  public Set<String> names() {
    return infos.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo info = infos.get(name);
    if (info == null) {
      throw new IllegalArgumentException("the network has no parameter " + name);
    }
    return info;
  }

  @Override
  public ByteBuffer bytes(String name) {
    float[] floats = floats(name);
    ByteBuffer bytes =
        ByteBuffer.allocate(floats.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(floats);
    return bytes;
  }

  @Override
  public float[] floats(String name) {
    long expected = info(name).elements();
    float[] result = values.get(name).get();
    if (result.length != expected) {
      throw new IllegalStateException(
          name + " needs " + expected + " initial values, got " + result.length);
    }
    return result;
  }

  @Override
  public long[] longs(String name) {
    throw new IllegalArgumentException(name + " holds floating-point numbers");
  }

  @Override
  public String origin() {
    return "initial weights (seed " + seed + ")";
  }

  @Override
  public void close() {
    // Nothing is held: values are drawn when asked for.
  }

  private float[] full(String name, float value) {
    float[] result = new float[Math.toIntExact(infos.get(name).elements())];
    java.util.Arrays.fill(result, value);
    return result;
  }

  private float[] random(Param param) {
    long[] shape = param.shape().extents();
    String name = param.name();
    if (shape.length < 2) {
      boolean scale = name.endsWith(".weight") || name.endsWith("gamma");
      return full(name, scale ? 1 : 0);
    }
    long fanIn = 1;
    for (int i = 1; i < shape.length; i++) {
      fanIn *= shape[i];
    }
    float[] draws = new float[Math.toIntExact(infos.get(name).elements())];
    RandomSource random = RandomSource.seeded(seed * 0x9E3779B97F4A7C15L + name.hashCode());
    random.gaussian(draws);
    float deviation = (float) (1 / Math.sqrt((double) fanIn));
    for (int i = 0; i < draws.length; i++) {
      draws[i] = Math.max(-2, Math.min(2, draws[i])) * deviation;
    }
    return draws;
  }
}
