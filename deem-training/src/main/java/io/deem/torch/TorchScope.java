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
import io.deem.graph.Dropped;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A scope of the libtorch engine. */
public final class TorchScope implements TrainingScope {

  private final TorchSession session;
  private final PtNDManager manager;
  private final TorchScope parent;
  private final boolean gradients;

  /** Null if nobody watches. */
  private final TorchListener listener;

  /** Null to let libtorch record the whole step. */
  private GradientTape tape;

  private BlockListener blockListener = (block, backward, nanos) -> {};
  private Regularization rates = Regularization.NONE;
  private RandomSource noise;

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

  /** Chooses what is kept for the backward pass, before any block runs. */
  void record(Recording recording) {
    boolean whole = recording == Recording.STEP;
    tape = whole ? null : new GradientTape(this, recording == Recording.CHECKPOINTS);
  }

  /** From now on tells of each block. */
  public void listen(BlockListener told) {
    blockListener = told;
  }

  /**
   * From now on drops elements where the networks say so.
   *
   * @param random draws what is dropped, block by block in the order in which they run
   */
  public void regularize(Regularization drops, RandomSource random) {
    rates = drops;
    noise = random;
  }

  @Override
  public List<Value> run(Block block, List<Value> inputs) {
    long start = System.nanoTime();
    List<Dropped> places = rates.equals(Regularization.NONE) ? List.of() : Dropped.in(block);
    TorchSession.Compiled compiled = session.compiled(block, gradients, !places.isEmpty());
    List<PtNDArray> arguments = new ArrayList<>(inputs.size() + compiled.arguments().size());
    List<long[]> shapes = new ArrayList<>(inputs.size());
    for (Value input : inputs) {
      PtNDArray array = TorchValue.arrayOf(input);
      arguments.add(array);
      shapes.add(array.getShape().getShape());
    }
    Map<String, Long> symbols = block.bind(shapes);
    arguments.addAll(compiled.arguments());
    places.forEach(place -> arguments.add(mask(place, symbols)));
    try {
      List<PtNDArray> results =
          tape == null
              ? execute(compiled, arguments, gradients)
              : tape.run(compiled, arguments, session.trainableNames());
      blockListener.ran(block, false, System.nanoTime() - start);
      List<Value> outputs = values(results);
      if (listener != null) {
        listener.ran(session, compiled.block(), inputs, outputs, gradients);
      }
      return outputs;
    } catch (ai.djl.engine.EngineException e) {
      String device = session.engine().options().device();
      throw DeviceErrors.of("the block " + block.name(), device, e);
    }
  }

  /**
   * Runs a compiled block on raw tensors. Parameters that stay in the processor's memory visit the
   * device meanwhile.
   *
   * @param recorded whether libtorch keeps what the backward pass needs
   */
  List<PtNDArray> execute(
      TorchSession.Compiled compiled, List<PtNDArray> arguments, boolean recorded) {
    if (compiled.visitors().isEmpty()) {
      return execute(compiled.script(), arguments, recorded);
    }
    List<PtNDArray> visiting = new ArrayList<>();
    try {
      List<PtNDArray> present = new ArrayList<>(arguments.size());
      for (PtNDArray argument : arguments) {
        boolean visits = compiled.visitors().contains(argument);
        present.add(visits ? visit(argument, visiting) : argument);
      }
      return execute(compiled.script(), present, recorded);
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
  public int layersPerBlock() {
    return session.engine().options().layersPerBlock();
  }

  /** The factors of one place: 0 for what is dropped; what is kept makes up for it. */
  private PtNDArray mask(Dropped place, Map<String, Long> symbols) {
    double rate =
        place.depthShare() == 0 ? rates.dropout() : place.depthShare() * rates.stochasticDepth();
    long[] shape = place.mask().dims().stream().mapToLong(dim -> dim.evaluate(symbols)).toArray();
    if (rate == 0) {
      Arrays.fill(shape, 1);
    }
    long size = 1;
    for (long extent : shape) {
      size = Math.multiplyExact(size, extent);
    }
    float[] factors = new float[Math.toIntExact(size)];
    float kept = (float) (1 / (1 - rate));
    for (int i = 0; i < factors.length; i++) {
      factors[i] = rate > 0 && noise.uniform() < rate ? 0 : kept;
    }
    return TorchValue.arrayOf(floats(factors, shape));
  }

  @Override
  public void backward(Value loss) {
    PtNDArray array = TorchValue.arrayOf(loss);
    try (PtNDArray one = (PtNDArray) manager.ones(array.getShape(), array.getDataType())) {
      backward(array, one, false);
    }
    if (listener != null) {
      listener.wentBack(loss, null);
    }
  }

  @Override
  public void backward(Value value, Value cotangent, boolean keepGraph) {
    backward(TorchValue.arrayOf(value), TorchValue.arrayOf(cotangent), keepGraph);
    if (listener != null) {
      listener.wentBack(value, cotangent);
    }
  }

  private void backward(PtNDArray value, PtNDArray cotangent, boolean keepGraph) {
    if (tape != null && keepGraph) {
      throw new UnsupportedOperationException("a scope that cuts steps into blocks forgets them");
    }
    try {
      if (tape == null) {
        JniUtils.backward(value, cotangent, keepGraph, false);
      } else {
        tape.backward(value, cotangent, blockListener);
      }
    } catch (ai.djl.engine.EngineException e) {
      throw DeviceErrors.of("the backward pass", session.engine().options().device(), e);
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
    return values(execute(script, arguments, gradients));
  }

  private List<Value> values(List<PtNDArray> arrays) {
    List<Value> values = new ArrayList<>(arrays.size());
    arrays.forEach(array -> values.add(new TorchValue(array, listener)));
    return values;
  }

  /**
   * Runs a script on raw tensors.
   *
   * @param recorded whether libtorch keeps what the backward pass needs
   */
  List<PtNDArray> execute(PtSymbolBlock script, List<PtNDArray> arguments, boolean recorded) {
    if (!manager.isOpen()) {
      throw new IllegalStateException("the scope is closed");
    }
    NDList list = new NDList(arguments.size() + 1);
    list.add(first);
    list.addAll(arguments);
    // Both switches are the thread's own. Without the optimiser, scripts run as they are written;
    // it would recompile them for every new shape.
    JniUtils.setGraphExecutorOptimize(false);
    JniUtils.setGradMode(recorded);
    // "Training" only keeps libtorch out of its inference mode, whose results no gradient can
    // reach.
    NDList results = IValueUtils.forward(script, list, true);
    List<PtNDArray> arrays = new ArrayList<>(results.size());
    for (NDArray result : results) {
      arrays.add((PtNDArray) result);
    }
    return arrays;
  }

  @Override
  public TorchScope child() {
    if (tape != null) {
      throw new UnsupportedOperationException(
          "a scope that cuts steps into blocks needs their values until the backward pass");
    }
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
          elements + " values do not fill the shape " + Arrays.toString(shape));
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
