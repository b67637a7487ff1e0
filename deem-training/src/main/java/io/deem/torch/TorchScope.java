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

  /** Null if nobody watches. */
  private final TorchListener listener;

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
    this.manager = outer.newSubManager(session.engine().options().djlDevice());
    this.gradients = gradients;
    this.parent = parent;
    this.listener = session.engine().listener();
    this.first =
        create(allocate(1, Long.BYTES, 1).putLong(0, 0), ai.djl.ndarray.types.DataType.INT64, 1)
            .array;
    first.setName("module_method:forward");
  }

  @Override
  public Value floats(float[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Float.BYTES, shape);
    bytes.asFloatBuffer().put(FloatBuffer.wrap(values));
    return made(create(bytes, ai.djl.ndarray.types.DataType.FLOAT32, shape), values);
  }

  @Override
  public Value longs(long[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Long.BYTES, shape);
    bytes.asLongBuffer().put(LongBuffer.wrap(values));
    return made(create(bytes, ai.djl.ndarray.types.DataType.INT64, shape), values);
  }

  @Override
  public Value bools(boolean[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Byte.BYTES, shape);
    for (int i = 0; i < values.length; i++) {
      bytes.put(i, (byte) (values[i] ? 1 : 0));
    }
    return made(create(bytes, ai.djl.ndarray.types.DataType.BOOLEAN, shape), values);
  }

  @Override
  public Value leaf(float[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Float.BYTES, shape);
    bytes.asFloatBuffer().put(FloatBuffer.wrap(values));
    TorchValue value = create(bytes, ai.djl.ndarray.types.DataType.FLOAT32, shape);
    JniUtils.attachGradient(value.array, true);
    if (listener != null) {
      listener.made(value, values, true);
    }
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
    List<PtNDArray> visiting = new ArrayList<>();
    try {
      for (PtNDArray argument : compiled.arguments()) {
        boolean visits = compiled.visitors().contains(argument);
        arguments.add(visits ? visit(argument, visiting) : argument);
      }
      List<Value> outputs = call(compiled.script(), arguments);
      if (listener != null) {
        listener.ran(session, block, inputs, outputs, gradients);
      }
      return outputs;
    } catch (ai.djl.engine.EngineException e) {
      String device = session.engine().options().device();
      throw DeviceErrors.of("the block " + block.name(), device, e);
    } finally {
      visiting.forEach(PtNDArray::close);
    }
  }

  /** Copies a parameter that stays in the processor's memory to the device. */
  private PtNDArray visit(PtNDArray resident, List<PtNDArray> visiting) {
    String copy = Scripts.visit(session.engine().options().device());
    PtNDArray visitor =
        TorchValue.arrayOf(call(TorchEngine.script(copy), List.of(resident)).get(0));
    visiting.add(visitor);
    return visitor;
  }

  @Override
  public boolean prefersFixedCaches() {
    return session.engine().options().fixedCaches();
  }

  @Override
  public void backward(Value loss) {
    PtNDArray array = TorchValue.arrayOf(loss);
    try (NDArray one = manager.ones(array.getShape(), array.getDataType())) {
      JniUtils.backward(array, (PtNDArray) one, false, false);
    } catch (ai.djl.engine.EngineException e) {
      throw DeviceErrors.of("the backward pass", session.engine().options().device(), e);
    }
    if (listener != null) {
      listener.wentBack(loss, null);
    }
  }

  @Override
  public void backward(Value value, Value cotangent, boolean keepGraph) {
    try {
      JniUtils.backward(TorchValue.arrayOf(value), TorchValue.arrayOf(cotangent), keepGraph, false);
    } catch (ai.djl.engine.EngineException e) {
      throw DeviceErrors.of("the backward pass", session.engine().options().device(), e);
    }
    if (listener != null) {
      listener.wentBack(value, cotangent);
    }
  }

  @Override
  public Value gradient(Value leaf) {
    Value gradient = gradientOf(TorchValue.arrayOf(leaf));
    if (listener != null && gradient != null) {
      listener.gradient(leaf, gradient);
    }
    return gradient;
  }

  @Override
  public Value gradient(String param) {
    Value gradient = gradientOf(session.loaded(param));
    if (listener != null && gradient != null) {
      listener.gradient(session, param, gradient);
    }
    return gradient;
  }

  private Value gradientOf(PtNDArray leaf) {
    PtNDArray gradient = JniUtils.getGradient(leaf);
    if (gradient == null) {
      return null;
    }
    gradient.attach(manager);
    return new TorchValue(gradient);
  }

  /** Arrays in the processor's memory, freed with this scope. */
  PtNDManager hostManager() {
    return manager.newSubManager(ai.djl.Device.cpu());
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
      values.add(new TorchValue((PtNDArray) result, listener));
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

  private Value made(TorchValue value, Object numbers) {
    if (listener != null) {
      listener.made(value, numbers, false);
    }
    return value;
  }

  private TorchValue create(ByteBuffer bytes, ai.djl.ndarray.types.DataType type, long... shape) {
    memory.add(bytes);
    TorchValue value = new TorchValue(manager.create(bytes, new Shape(shape), type), listener);
    value.memory = bytes;
    return value;
  }
}
