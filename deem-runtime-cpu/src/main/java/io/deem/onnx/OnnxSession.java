package io.deem.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.deem.graph.Block;
import io.deem.graph.BufferPool;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** Weights in ONNX Runtime, block by block. */
public final class OnnxSession implements Session {

  private final OrtLibrary library;
  private final String engineName;
  private final Function<Block, OnnxModel> models;
  private final BufferPool buffers = new BufferPool();
  private final Map<Block, OrtSession> compiled = new ConcurrentHashMap<>();
  private volatile boolean closed;

  OnnxSession(OrtLibrary library, String engineName, Function<Block, OnnxModel> models) {
    this.library = library;
    this.engineName = engineName;
    this.models = models;
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
    compiled.values().removeIf(OnnxSession::close);
  }

  private static boolean close(OrtSession session) {
    try {
      session.close();
      return true;
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime does not free a block: " + e.getMessage(), e);
    }
  }

  OrtLibrary library() {
    return library;
  }

  BufferPool buffers() {
    return buffers;
  }

  OrtSession compiled(Block block) {
    if (closed) {
      throw new IllegalStateException("the session is closed");
    }
    OrtSession known = compiled.get(block);
    return known != null ? known : compiled.computeIfAbsent(block, this::create);
  }

  private OrtSession create(Block block) {
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
      return library.environment().createSession(model.bytes(), options);
    } catch (OrtException e) {
      throw new IllegalStateException(
          "ONNX Runtime does not compile the block " + block.name() + ": " + e.getMessage(), e);
    }
  }
}
