package io.deem.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.deem.graph.Block;
import io.deem.graph.BufferPool;
import io.deem.graph.ChangeableSession;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.weights.TensorSource;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/** Weights in ONNX Runtime, block by block. */
public final class OnnxSession implements ChangeableSession {

  private final OrtLibrary library;
  private final String engineName;
  private final LinearWeights linear;
  private final BufferPool buffers = new BufferPool();
  private final Map<Block, CompiledBlock> compiled = new ConcurrentHashMap<>();
  private final Set<String> changed = ConcurrentHashMap.newKeySet();
  private final LongAdder nativeNanos = new LongAdder();
  private volatile Function<Block, OnnxModel> models;
  private volatile boolean closed;

  /** A session that compiles blocks. */
  OnnxSession(OrtLibrary library, String engineName, TensorSource weights, LinearWeights linear) {
    this.library = library;
    this.engineName = engineName;
    this.linear = linear;
    this.models = compiling(weights);
  }

  /** A session that finds blocks compiled. */
  OnnxSession(OrtLibrary library, String engineName, Function<Block, OnnxModel> models) {
    this.library = library;
    this.engineName = engineName;
    this.linear = null;
    this.models = models;
  }

  private Function<Block, OnnxModel> compiling(TensorSource weights) {
    LinearWeights unchanged =
        param -> changed.contains(param.name()) ? Optional.empty() : linear.quantized(param);
    return block -> OnnxCompiler.compile(block, weights, unchanged);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Matrices that were quantised are computed in 32 bits once they have changed.
   *
   * @throws IllegalStateException for an exported model
   */
  @Override
  public void change(TensorSource weights, Collection<Param> params) {
    if (linear == null) {
      throw new IllegalStateException("an exported model cannot change weights");
    }
    params.forEach(param -> changed.add(param.name()));
    models = compiling(weights);
    compiled
        .entrySet()
        .removeIf(
            each ->
                each.getKey().params().stream().anyMatch(params::contains)
                    && each.getValue().close());
  }

  /**
   * The time that ONNX Runtime has computed for this session, in nanoseconds, all threads' calls
   * added up. What else passes while a session is used is the pipeline's.
   */
  public long nativeNanos() {
    return nativeNanos.sum();
  }

  void spent(long nanos) {
    nativeNanos.add(nanos);
  }

  @Override
  public String engineName() {
    return engineName;
  }

  @Override
  public Scope scope() {
    return new OnnxScope(this, null);
  }

  @Override
  public void close() {
    closed = true;
    compiled.values().removeIf(CompiledBlock::close);
    if (linear != null) {
      linear.close();
    }
  }

  OrtLibrary library() {
    return library;
  }

  BufferPool buffers() {
    return buffers;
  }

  CompiledBlock compiled(Block block) {
    if (closed) {
      throw new IllegalStateException("the session is closed");
    }
    CompiledBlock known = compiled.get(block);
    return known != null ? known : compiled.computeIfAbsent(block, this::create);
  }

  private CompiledBlock create(Block block) {
    OnnxModel model = models.apply(block);
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      if (library.shared()) {
        options.disablePerSessionThreads();
      } else {
        options.setIntraOpNumThreads(library.threads());
        options.addConfigEntry("session.intra_op.allow_spinning", "0");
      }
      // An arena is a session's own and keeps the most that its block ever needed: with a session
      // for each block, the temporaries of all blocks would stay at once.
      options.setCPUArenaAllocator(false);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      if (model.folder() != null) {
        options.addConfigEntry(
            "session.model_external_initializers_file_folder_path", model.folder().toString());
      }
      return new CompiledBlock(block, library.environment().createSession(model.bytes(), options));
    } catch (OrtException e) {
      throw new IllegalStateException(
          "ONNX Runtime does not compile the block " + block.name() + ": " + e.getMessage(), e);
    }
  }
}
