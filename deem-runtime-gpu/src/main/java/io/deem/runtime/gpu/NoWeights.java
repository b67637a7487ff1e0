package io.deem.runtime.gpu;

import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.Set;

/** No tensor at all. */
final class NoWeights implements TensorSource {

  @Override
  public Set<String> names() {
    return Set.of();
  }

  @Override
  public TensorInfo info(String name) {
    throw new IllegalArgumentException("no tensor " + name);
  }

  @Override
  public ByteBuffer bytes(String name) {
    throw new IllegalArgumentException("no tensor " + name);
  }

  @Override
  public float[] floats(String name) {
    throw new IllegalArgumentException("no tensor " + name);
  }

  @Override
  public long[] longs(String name) {
    throw new IllegalArgumentException("no tensor " + name);
  }

  @Override
  public String origin() {
    return "nothing";
  }

  @Override
  public void close() {}
}
