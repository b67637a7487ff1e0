package io.deem.model;

import io.deem.graph.Param;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** Small random weights for a network under test, the same ones for the same seed. */
final class RandomWeights implements TensorSource {

  private final Map<String, Param> params = new LinkedHashMap<>();
  private final long seed;

  RandomWeights(List<Param> params, long seed) {
    params.forEach(param -> this.params.put(param.name(), param));
    this.seed = seed;
  }

  @Override
  public Set<String> names() {
    return params.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    Param param = params.get(name);
    if (param == null) {
      throw new IllegalArgumentException("no tensor " + name);
    }
    long length = param.shape().size().value() * (long) Float.BYTES;
    return new TensorInfo(name, ElementType.F32, param.shape().extents(), 0, length);
  }

  /** Gaussian, scaled by the number of inputs as He et al. do; norms and biases of order one. */
  @Override
  public float[] floats(String name) {
    TensorInfo info = info(name);
    float[] values = new float[(int) info.elements()];
    long fanIn = 1;
    for (int axis = 1; axis < info.shape().length; axis++) {
      fanIn *= info.shape()[axis];
    }
    Random random = new Random(seed ^ name.hashCode());
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt((double) fanIn));
    }
    return values;
  }

  @Override
  public ByteBuffer bytes(String name) {
    float[] values = floats(name);
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  @Override
  public long[] longs(String name) {
    throw new IllegalArgumentException(name + " holds no integers");
  }

  @Override
  public String origin() {
    return "random weights";
  }

  @Override
  public void close() {}
}
