package io.deem.torch;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;

/**
 * Weights in libtorch. For training, {@link #trainable} says which of them learn and {@link
 * #trainingScope} records what the backward pass needs.
 */
public final class TorchSession implements TrainingSession {

  private final TorchEngine engine;
  private final TensorSource weights;
  private final PtNDManager manager;
  private final BufferPool buffers = new BufferPool();
  private final Map<Block, Compiled> compiled = new ConcurrentHashMap<>();
  private final Map<Block, Compiled> dropping = new ConcurrentHashMap<>();
  private final Map<String, PtNDArray> params = new ConcurrentSkipListMap<>();
  private volatile Predicate<String> trainable = name -> false;

  TorchSession(TorchEngine engine, TensorSource weights) {
    this.engine = engine;
    this.weights = weights;
    this.manager = (PtNDManager) engine.root().newSubManager();
  }

  @Override
  public String engineName() {
    return engine.name();
  }

  @Override
  public TorchScope scope() {
    return new TorchScope(this, manager, false);
  }

  @Override
  public TorchScope trainingScope() {
    return new TorchScope(this, manager, true);
  }

  /** A training scope that keeps what {@code recording} says for the backward pass. */
  public TorchScope trainingScope(Recording recording) {
    TorchScope scope = trainingScope();
    scope.record(recording);
    return scope;
  }

  @Override
  public void trainable(Predicate<String> names) {
    trainable = names;
    params.forEach((name, array) -> JniUtils.attachGradient(array, names.test(name)));
  }

  @Override
  public List<String> trainableParams() {
    return params.keySet().stream().filter(trainable).toList();
  }

  /** What was given to {@link #trainable} last; at first it accepts nothing. */
  public Predicate<String> trainableNames() {
    return trainable;
  }

  /** The names of all loaded parameters, sorted. */
  public List<String> params() {
    return List.copyOf(params.keySet());
  }

  /** Loads a parameter now, if it is not loaded yet. */
  public Value load(Param param) {
    return new TorchValue(param(param));
  }

  /** The present value of a loaded parameter. */
  public Value param(String name) {
    return new TorchValue(loaded(name));
  }

  /** Replaces the value of a loaded parameter. */
  public void set(String name, float[] values) {
    PtNDArray array = loaded(name);
    if (array.getShape().size() != values.length) {
      throw new IllegalArgumentException(
          name + " has " + array.getShape().size() + " elements, not " + values.length);
    }
    try (TorchScope scope = scope()) {
      PtNDArray source = TorchValue.arrayOf(scope.floats(values, array.getShape().getShape()));
      scope.call(TorchEngine.script(Scripts.COPY), List.of(array, source));
    }
  }

  @Override
  public void clearGradients() {
    for (String name : trainableParams()) {
      PtNDArray gradient = JniUtils.getGradient(params.get(name));
      if (gradient != null) {
        gradient.close();
        JniUtils.zeroGrad(params.get(name));
      }
    }
  }

  @Override
  public void close() {
    manager.close();
    params.clear();
    compiled.clear();
    dropping.clear();
  }

  BufferPool buffers() {
    return buffers;
  }

  TorchEngine engine() {
    return engine;
  }

  PtNDArray loaded(String name) {
    PtNDArray array = params.get(name);
    if (array == null) {
      throw new IllegalArgumentException("no parameter " + name + " is loaded");
    }
    return array;
  }

  /**
   * A compiled block.
   *
   * @param drops whether it takes the masks of the places where elements are dropped
   */
  Compiled compiled(Block block, boolean drops) {
    Map<Block, Compiled> of = drops ? dropping : compiled;
    Compiled known = of.get(block);
    return known != null ? known : of.computeIfAbsent(block, each -> compile(each, drops));
  }

  private Compiled compile(Block block, boolean drops) {
    PtSymbolBlock script = engine.compile(block, drops);
    List<PtNDArray> arguments = new ArrayList<>();
    block.params().forEach(param -> arguments.add(param(param)));
    for (Tensor constant : block.constants()) {
      float[] values = constant.attributes().get("values", float[].class);
      arguments.add(create(values, constant.shape().extents()));
    }
    return new Compiled(script, arguments);
  }

  private PtNDArray param(Param param) {
    PtNDArray known = params.get(param.name());
    if (known != null) {
      return known;
    }
    synchronized (params) {
      return params.computeIfAbsent(
          param.name(),
          name -> {
            long[] extents = param.shape().extents();
            PtNDArray array = create(weights.floats(name, extents), extents);
            JniUtils.attachGradient(array, trainable.test(name));
            return array;
          });
    }
  }

  private PtNDArray create(float[] values, long[] extents) {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.nativeOrder());
    memory.asFloatBuffer().put(FloatBuffer.wrap(values));
    return manager.create(memory, new Shape(extents), ai.djl.ndarray.types.DataType.FLOAT32);
  }

  /** A script and the arguments that follow a block's inputs. */
  record Compiled(PtSymbolBlock script, List<PtNDArray> arguments) {}
}
