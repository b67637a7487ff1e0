package io.deem.ort;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import io.deem.graph.Block;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** A scope of the ONNX Runtime engine. */
final class OnnxScope implements Scope {

  /**
   * So many that what a block costs beside its layers does not count, and so few that ONNX Runtime,
   * which holds a block's weights twice while it lays them out, does not do so with the whole
   * model.
   */
  private static final int LAYERS_PER_BLOCK = 8;

  private final OnnxSession session;
  private final OnnxScope parent;
  private final Set<OnnxScope> children = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<OnnxValue> values = Collections.newSetFromMap(new IdentityHashMap<>());
  private boolean closed;

  OnnxScope(OnnxSession session, OnnxScope parent) {
    this.session = session;
    this.parent = parent;
  }

  @Override
  public Value floats(float[] numbers, long... shape) {
    ByteBuffer bytes = allocate(numbers.length, Float.BYTES, shape);
    bytes.asFloatBuffer().put(FloatBuffer.wrap(numbers));
    return create(bytes, OnnxJavaType.FLOAT, shape);
  }

  @Override
  public Value longs(long[] numbers, long... shape) {
    ByteBuffer bytes = allocate(numbers.length, Long.BYTES, shape);
    bytes.asLongBuffer().put(LongBuffer.wrap(numbers));
    return create(bytes, OnnxJavaType.INT64, shape);
  }

  @Override
  public Value bools(boolean[] truths, long... shape) {
    ByteBuffer bytes = allocate(truths.length, Byte.BYTES, shape);
    for (int i = 0; i < truths.length; i++) {
      bytes.put(i, (byte) (truths[i] ? 1 : 0));
    }
    return create(bytes, OnnxJavaType.BOOL, shape);
  }

  @Override
  public List<Value> run(Block block, List<Value> inputs) {
    requireOpen();
    List<OnnxValue> arguments = inputs.stream().map(OnnxValue::of).collect(Collectors.toList());
    CompiledBlock compiled = session.compiled(block);
    try {
      long start = System.nanoTime();
      List<OnnxValue> results = compiled.run(arguments);
      session.spent(System.nanoTime() - start);
      values.addAll(results);
      return List.copyOf(results);
    } catch (OrtException e) {
      throw new IllegalStateException(
          "the block " + block.name() + " failed: " + e.getMessage(), e);
    }
  }

  @Override
  public boolean prefersFixedCaches() {
    return true;
  }

  @Override
  public boolean holdsWeightsPerBlock() {
    return true;
  }

  @Override
  public int layersPerBlock() {
    return LAYERS_PER_BLOCK;
  }

  @Override
  public Scope child() {
    requireOpen();
    OnnxScope child = new OnnxScope(session, this);
    children.add(child);
    return child;
  }

  @Override
  public Value keep(Value value) {
    if (parent == null) {
      throw new IllegalStateException("no scope encloses this one");
    }
    OnnxValue onnx = (OnnxValue) value;
    if (values.remove(onnx)) {
      parent.own(onnx);
    }
    return value;
  }

  @Override
  public void close() {
    closed = true;
    List.copyOf(children).forEach(OnnxScope::close);
    for (OnnxValue value : values) {
      value.free(session.buffers());
    }
    values.clear();
    if (parent != null) {
      parent.children.remove(this);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the scope is closed");
    }
  }

  private OnnxValue own(OnnxValue value) {
    values.add(value);
    return value;
  }

  private ByteBuffer allocate(int elements, int width, long... shape) {
    requireOpen();
    long size = 1;
    for (long extent : shape) {
      size = Math.multiplyExact(size, extent);
    }
    if (size != elements) {
      throw new IllegalArgumentException(
          elements + " values do not fill the shape " + Arrays.toString(shape));
    }
    return session.buffers().take(Math.multiplyExact(elements, width));
  }

  private Value create(ByteBuffer bytes, OnnxJavaType type, long... shape) {
    try {
      OnnxTensor tensor =
          OnnxTensor.createTensor(session.library().environment(), bytes, shape, type);
      return own(new OnnxValue(tensor, bytes));
    } catch (OrtException e) {
      session.buffers().give(bytes);
      throw new IllegalStateException("ONNX Runtime takes no tensor: " + e.getMessage(), e);
    }
  }
}
