package io.deem.torch;

import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import io.deem.graph.BlockRewriting;
import io.deem.graph.BufferPool;
import io.deem.graph.ChangeableSession;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.weights.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;

/**
 * Weights in libtorch. For training, {@link #trainable} says which of them learn and {@link
 * #trainingScope} records what the backward pass needs.
 */
public final class TorchSession implements TrainingSession, ChangeableSession {

  private final TorchEngine engine;
  private volatile TensorSource weights;
  private final PtNDManager manager;
  private final BufferPool buffers = new BufferPool();
  private final BlockRewriting rewriting;
  private final Map<Form, Compiled> compiled = new ConcurrentHashMap<>();
  private final Map<String, PtNDArray> params = new ConcurrentSkipListMap<>();
  private final Set<String> narrow = ConcurrentHashMap.newKeySet();
  private final Set<String> offloaded = ConcurrentHashMap.newKeySet();
  private volatile Predicate<String> trainable = name -> false;

  /** Bytes of the weights on the device; guarded by {@link #params}. */
  private long resident;

  TorchSession(TorchEngine engine, TensorSource weights, BlockRewriting rewriting) {
    this.engine = engine;
    this.weights = weights;
    this.rewriting = rewriting;
    this.manager = engine.root().newSubManager(engine.options().djlDevice());
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
    // What learns is kept in 32 bits on the device; where it is not, it is loaded anew.
    params.keySet().removeIf(name -> names.test(name) && reload(name));
    params.forEach((name, array) -> JniUtils.attachGradient(array, names.test(name)));
  }

  private boolean reload(String name) {
    boolean wasNarrow = narrow.remove(name);
    boolean wasAway = offloaded.remove(name);
    if (!wasNarrow && !wasAway) {
      return false;
    }
    compiled.clear();
    PtNDArray array = params.get(name);
    if (!wasAway) {
      synchronized (params) {
        resident -= bytes(array.getShape().size(), wasNarrow);
      }
    }
    array.close();
    return true;
  }

  /**
   * The loaded parameters that stay in the processor's memory, page-locked, and visit the device
   * for the time of a call; see {@link TorchOptions#residentBytes}. A backward pass keeps what it
   * needs: run blocks with gradient checkpointing, or their visitors stay until it ends.
   */
  public Set<String> offloaded() {
    return Set.copyOf(offloaded);
  }

  /** The loaded parameters that are kept in bfloat16. */
  public Set<String> narrowParams() {
    return Set.copyOf(narrow);
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
    return new TorchValue(param(param, false));
  }

  /** The present value of a loaded parameter. */
  public Value param(String name) {
    return new TorchValue(loaded(name));
  }

  @Override
  public void change(TensorSource source, Collection<Param> changed) {
    weights = source;
    for (Param param : changed) {
      if (params.containsKey(param.name())) {
        set(param.name(), source.floats(param.name(), param.shape().extents()));
      }
    }
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
    if (engine.listener() != null) {
      engine.listener().cleared(this);
    }
  }

  @Override
  public void close() {
    manager.close();
    params.clear();
    compiled.clear();
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
   * @param training whether it runs in a scope that learns, for which a rewriting may differ
   * @param drops whether it takes the masks of the places where elements are dropped
   */
  Compiled compiled(Block block, boolean training, boolean drops) {
    Form form = new Form(block, training && rewriting != BlockRewriting.NONE, drops);
    Compiled known = compiled.get(form);
    return known != null ? known : compiled.computeIfAbsent(form, this::compile);
  }

  private Compiled compile(Form form) {
    Block block = rewriting.apply(form.block, form.training);
    PtSymbolBlock script = engine.compile(block, form.drops);
    List<PtNDArray> arguments = new ArrayList<>();
    Set<PtNDArray> visitors = Collections.newSetFromMap(new IdentityHashMap<>());
    Set<String> narrowable = NarrowWeights.names(block);
    for (Param param : block.params()) {
      PtNDArray array = param(param, narrowable.contains(param.name()));
      arguments.add(array);
      if (offloaded.contains(param.name())) {
        visitors.add(array);
      }
    }
    for (Tensor constant : block.constants()) {
      float[] values = constant.attributes().get("values", float[].class);
      arguments.add(create(values, constant.shape().extents()));
    }
    return new Compiled(block, script, arguments, visitors);
  }

  private PtNDArray param(Param param, boolean narrowable) {
    PtNDArray known = params.get(param.name());
    if (known != null) {
      return known;
    }
    synchronized (params) {
      return params.computeIfAbsent(
          param.name(),
          name -> {
            long[] extents = param.shape().extents();
            PtNDArray array = load(name, extents, narrowable && !trainable.test(name));
            JniUtils.attachGradient(array, trainable.test(name));
            return array;
          });
    }
  }

  /** Called while {@link #params} is locked. */
  private PtNDArray load(String name, long[] extents, boolean narrowable) {
    boolean low = narrowable && engine.options().narrowWeights();
    long bytes = bytes(new Shape(extents).size(), low);
    boolean fits = bytes <= engine.options().residentBytes() - resident;
    boolean host = !fits && !trainable.test(name);
    resident += host ? 0 : bytes;
    if (!low && !host && engine.options().equals(TorchOptions.onProcessor(engine.precision()))) {
      return create(weights.floats(name, extents), extents);
    }
    try (TorchScope scope = scope()) {
      PtNDArray array =
          new WeightLoader(engine.options(), weights).load(scope, name, extents, low, host);
      array.attach(manager);
      if (low) {
        narrow.add(name);
      }
      if (host) {
        offloaded.add(name);
      }
      return array;
    } catch (ai.djl.engine.EngineException e) {
      throw DeviceErrors.of("loading " + name, engine.options().device(), e);
    }
  }

  private static long bytes(long elements, boolean low) {
    return elements * (low ? Short.BYTES : Float.BYTES);
  }

  private PtNDArray create(float[] values, long[] extents) {
    ByteBuffer memory =
        ByteBuffer.allocateDirect(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.nativeOrder());
    memory.asFloatBuffer().put(FloatBuffer.wrap(values));
    return manager.create(memory, new Shape(extents), ai.djl.ndarray.types.DataType.FLOAT32);
  }

  /** One of the ways to compile a block; see {@link #compiled(Block, boolean, boolean)}. */
  private record Form(Block block, boolean training, boolean drops) {}

  /**
   * A script and the arguments that follow a block's inputs.
   *
   * @param block as it was rewritten
   * @param visitors those of the arguments that stay in the processor's memory, by identity
   */
  record Compiled(
      Block block, PtSymbolBlock script, List<PtNDArray> arguments, Set<PtNDArray> visitors) {}
}
