package io.deem.verify;

import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Tensors that remember which of them were read, so that a check cannot overlook one unnoticed. */
final class TrackedTensors implements TensorSource {

  private final TensorSource source;
  private final Set<String> read = ConcurrentHashMap.newKeySet();

  TrackedTensors(TensorSource source) {
    this.source = source;
  }

  Set<String> read() {
    return Set.copyOf(read);
  }

  @Override
  public Set<String> names() {
    return source.names();
  }

  @Override
  public boolean contains(String name) {
    return source.contains(name);
  }

  @Override
  public TensorInfo info(String name) {
    return source.info(name);
  }

  @Override
  public ByteBuffer bytes(String name) {
    read.add(name);
    return source.bytes(name);
  }

  @Override
  public float[] floats(String name) {
    read.add(name);
    return source.floats(name);
  }

  @Override
  public long[] longs(String name) {
    read.add(name);
    return source.longs(name);
  }

  @Override
  public Optional<Path> file(String name) {
    read.add(name);
    return source.file(name);
  }

  @Override
  public String origin() {
    return source.origin();
  }

  @Override
  public String origin(String name) {
    return source.origin(name);
  }

  @Override
  public void close() {
    source.close();
  }
}
