package io.deem.torch;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** A scope of the libtorch engine. */
public final class TorchScope implements TrainingScope {

  private final TorchSession session;
  private final PtNDManager manager;
  private final TorchScope parent;
  private final boolean gradients;

  /** Leads every argument list: DJL attaches results to the first argument's manager. */
  private final PtNDArray first;

  /** By identity: buffers compare by content. */
  private final Set<ByteBuffer> memory = Collections.newSetFromMap(new IdentityHashMap<>());

  TorchScope(TorchSession session, PtNDManager outer, boolean gradients) {
    this(session, outer, gradients, null);
  }

  private TorchScope(
      TorchSession session, PtNDManager outer, boolean gradients, TorchScope parent) {
    this.session = session;
    this.manager = (PtNDManager) outer.newSubManager();
    this.gradients = gradients;
    this.parent = parent;
    this.first = TorchValue.arrayOf(longs(new long[1]));
    first.setName("module_method:forward");
  }

  @Override
  public Value floats(float[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Float.BYTES, shape);
    bytes.asFloatBuffer().put(FloatBuffer.wrap(values));
    return create(bytes, ai.djl.ndarray.types.DataType.FLOAT32, shape);
  }

  @Override
  public Value longs(long[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Long.BYTES, shape);
    bytes.asLongBuffer().put(LongBuffer.wrap(values));
    return create(bytes, ai.djl.ndarray.types.DataType.INT64, shape);
  }

  @Override
  public Value bools(boolean[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Byte.BYTES, shape);
    for (int i = 0; i < values.length; i++) {
      bytes.put(i, (byte) (values[i] ? 1 : 0));
    }
    return create(bytes, ai.djl.ndarray.types.DataType.BOOLEAN, shape);
  }

  @Override
  public Value leaf(float[] values, long... shape) {
    TorchValue value = (TorchValue) floats(values, shape);
    JniUtils.attachGradient(value.array, true);
    return value;
  }

  @Override
  public List<Value> run(Block block, List<Value> inputs) {
    TorchSession.Compiled compiled = session.compiled(block, gradients);
    List<PtNDArray> arguments = new ArrayList<>(inputs.size() + compiled.arguments().size());
    List<long[]> shapes = new ArrayList<>(inputs.size());
    for (Value input : inputs) {
      PtNDArray array = TorchValue.arrayOf(input);
      arguments.add(array);
      shapes.add(array.getShape().getShape());
    }
    block.bind(shapes);
    arguments.addAll(compiled.arguments());
    try {
      return call(compiled.script(), arguments);
    } catch (ai.djl.engine.EngineException e) {
      throw new IllegalStateException(
          "the block " + block.name() + " failed: " + e.getMessage(), e);
    }
  }

  @Override
  public void backward(Value loss) {
    PtNDArray array = TorchValue.arrayOf(loss);
    try (NDArray one = manager.ones(array.getShape(), array.getDataType())) {
      JniUtils.backward(array, (PtNDArray) one, false, false);
    }
  }

  @Override
  public void backward(Value value, Value cotangent, boolean keepGraph) {
    JniUtils.backward(TorchValue.arrayOf(value), TorchValue.arrayOf(cotangent), keepGraph, false);
  }

  @Override
  public Value gradient(Value leaf) {
    PtNDArray gradient = JniUtils.getGradient(TorchValue.arrayOf(leaf));
    if (gradient == null) {
      return null;
    }
    gradient.attach(manager);
    return new TorchValue(gradient);
  }

  @Override
  public Value gradient(String param) {
    return gradient(new TorchValue(session.loaded(param)));
  }

  PtNDManager manager() {
    return manager;
  }

  /** Runs a script of this package on raw tensors. */
  List<Value> call(PtSymbolBlock script, List<PtNDArray> arguments) {
    if (!manager.isOpen()) {
      throw new IllegalStateException("the scope is closed");
    }
    NDList list = new NDList(arguments.size() + 1);
    list.add(first);
    list.addAll(arguments);
    // Both switches are the thread's own. Without the optimiser, scripts run as they are written;
    // it would recompile them for every new shape.
    JniUtils.setGraphExecutorOptimize(false);
    JniUtils.setGradMode(gradients);
    // "Training" only keeps libtorch out of its inference mode, whose results no gradient can
    // reach.
    NDList results = IValueUtils.forward(script, list, true);
    List<Value> values = new ArrayList<>(results.size());
    for (NDArray result : results) {
      values.add(new TorchValue((PtNDArray) result));
    }
    return values;
  }

  @Override
  public TorchScope child() {
    return new TorchScope(session, manager, gradients, this);
  }

  @Override
  public Value keep(Value value) {
    if (parent == null) {
      throw new IllegalStateException("no scope encloses this one");
    }
    TorchValue torch = (TorchValue) value;
    torch.array.attach(parent.manager);
    if (torch.memory != null) {
      memory.remove(torch.memory);
      parent.memory.add(torch.memory);
    }
    return value;
  }

  @Override
  public void close() {
    manager.close();
    memory.forEach(session.buffers()::give);
    memory.clear();
  }

  private ByteBuffer allocate(int elements, int width, long... shape) {
    long size = 1;
    for (long extent : shape) {
      size = Math.multiplyExact(size, extent);
    }
    if (size != elements) {
      throw new IllegalArgumentException(
          elements + " values do not fill the shape " + java.util.Arrays.toString(shape));
    }
    return session.buffers().take(Math.multiplyExact(elements, width));
  }

  private TorchValue create(ByteBuffer bytes, ai.djl.ndarray.types.DataType type, long... shape) {
    memory.add(bytes);
    TorchValue value = new TorchValue(manager.create(bytes, new Shape(shape), type));
    value.memory = bytes;
    return value;
  }
}
