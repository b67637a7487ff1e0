package io.deem.imports;

import io.deem.graph.Param;
import io.deem.model.ClipVitEncoder;
import io.deem.weights.ElementType;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/**
 * A model's weights: those of the checkpoints, and of new modules the initial ones. A tensor is
 * read when it is asked for, so that no more than one is in memory.
 */
final class ImportedWeights implements TensorSource {

  private final Map<String, Param> params;
  private final Map<String, ImportPlan.Origin> origins;
  private final TensorSource initial;

  ImportedWeights(ImportPlan plan, TensorSource initial) {
    this.params = plan.params();
    this.origins = plan.origins();
    this.initial = initial;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(params.keySet());
  }

  @Override
  public TensorInfo info(String name) {
    Param param = params.get(name);
    if (param == null) {
      throw new IllegalArgumentException("the network has no parameter " + name);
    }
    long length = Float.BYTES;
    for (long extent : param.shape().extents()) {
      length = Math.multiplyExact(length, extent);
    }
    return new TensorInfo(name, ElementType.F32, param.shape().extents(), 0, length);
  }

  @Override
  public float[] floats(String name) {
    info(name);
    ImportPlan.Origin origin = origins.get(name);
    if (origin == null) {
      return initial.floats(name);
    }
    float[] stored = origin.source().floats(origin.tensor());
    if (origin.fit() == ImportPlan.Fit.WHOLE) {
      return stored;
    }
    if (origin.fit() == ImportPlan.Fit.RESIZED) {
      long[] shape = params.get(name).shape().extents();
      int grid = (int) Math.round(Math.sqrt(shape[0] - 1.0));
      return ClipVitEncoder.resizePositions(stored, (int) shape[1], grid);
    }
    float[] rows = initial.floats(name);
    System.arraycopy(stored, 0, rows, 0, stored.length);
    return rows;
  }

  @Override
  public ByteBuffer bytes(String name) {
    float[] values = floats(name);
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public long[] longs(String name) {
    throw new IllegalArgumentException(name + " holds floating-point numbers");
  }

  @Override
  public String origin() {
    return "the imported weights";
  }

  @Override
  public String origin(String name) {
    ImportPlan.Origin origin = origins.get(name);
    return origin == null ? initial.origin(name) : origin.source().origin(origin.tensor());
  }

  /** Does nothing: the checkpoints are {@link OriginalDeem}'s. */
  @Override
  public void close() {}
}
