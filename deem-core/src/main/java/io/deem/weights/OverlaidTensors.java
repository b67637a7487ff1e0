package io.deem.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Tensors of another source with some replaced or added by single-precision ones that are computed
 * when they are asked for. Closing it leaves the other source open.
 */
public final class OverlaidTensors implements TensorSource {

  private final TensorSource base;
  private final String origin;
  private final Map<String, TensorInfo> infos = new LinkedHashMap<>();
  private final Map<String, Supplier<float[]>> values = new LinkedHashMap<>();

  /**
   * The tensors of another source, none replaced yet.
   *
   * @param origin what the replaced ones come from, for messages
   */
  public OverlaidTensors(TensorSource base, String origin) {
    this.base = base;
    this.origin = origin;
  }

  /**
   * Replaces or adds a tensor; to be done before the tensors are read.
   *
   * @param tensor gives the elements in row-major order, each time they are asked for
   * @return this
   */
  public OverlaidTensors with(String name, long[] shape, Supplier<float[]> tensor) {
    long length = Float.BYTES;
    for (long extent : shape) {
      length = Math.multiplyExact(length, extent);
    }
    infos.put(name, new TensorInfo(name, ElementType.F32, shape, 0, length));
    values.put(name, tensor);
    return this;
  }

  @Override
  public Set<String> names() {
    Set<String> names = new LinkedHashSet<>(base.names());
    names.addAll(infos.keySet());
    return names;
  }

  @Override
  public boolean contains(String name) {
    return infos.containsKey(name) || base.contains(name);
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo info = infos.get(name);
    return info == null ? base.info(name) : info;
  }

  @Override
  public Optional<Path> file(String name) {
    return infos.containsKey(name) ? Optional.empty() : base.file(name);
  }

  @Override
  public ByteBuffer bytes(String name) {
    if (!infos.containsKey(name)) {
      return base.bytes(name);
    }
    float[] floats = floats(name);
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(floats.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(floats);
    return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public float[] floats(String name) {
    TensorInfo info = infos.get(name);
    if (info == null) {
      return base.floats(name);
    }
    float[] floats = values.get(name).get();
    if (floats.length != info.elements()) {
      throw new IllegalStateException(
          name + " needs " + info.elements() + " elements, got " + floats.length);
    }
    return floats;
  }

  @Override
  public long[] longs(String name) {
    if (infos.containsKey(name)) {
      throw new TensorMismatchException(name + " holds floating-point numbers");
    }
    return base.longs(name);
  }

  @Override
  public String origin() {
    return base.origin();
  }

  @Override
  public String origin(String name) {
    return infos.containsKey(name) ? origin : base.origin(name);
  }

  @Override
  public void close() {
    // The base is its owner's to close.
  }
}
