package io.deem.ort;

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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Weights in ONNX Runtime, block by block. */
public final class OnnxSession implements ChangeableSession {

  private final OrtLibrary library;
  private final String engineName;
  private final BlockModels models;
  private final BufferPool buffers = new BufferPool();
  private final Map<Block, CompiledBlock> compiled = new ConcurrentHashMap<>();
  private final LongAdder nativeNanos = new LongAdder();
  private volatile boolean closed;

  /**
   * A session.
   *
   * @param engineName for reports
   * @param models closed with the session
   */
  public OnnxSession(OrtLibrary library, String engineName, BlockModels models) {
    this.library = library;
    this.engineName = engineName;
    this.models = models;
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
    models.change(weights, params);
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
    models.close();
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
    OnnxModel model = models.of(block);
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
          "ONNX Runtime does not take " + model.origin() + ": " + oneLine(e.getMessage()), e);
    }
  }

  private static String oneLine(String message) {
    return String.valueOf(message).replaceAll("\\s*\\R\\s*", " ").trim();
  }
}
