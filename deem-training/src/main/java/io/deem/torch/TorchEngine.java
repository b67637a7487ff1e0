package io.deem.torch;

import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import io.deem.graph.Engine;
import io.deem.weights.TensorSource;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Runs blocks on libtorch, forward and backward.
 *
 * <p>A process loads libtorch once; engines of different {@link Precision} share it. Compiled
 * scripts are kept for the life of the process: blocks of equal structure have equal source and
 * share one.
 */
public final class TorchEngine implements Engine {

  /** Scripts by their source. */
  private static final Map<String, PtSymbolBlock> SCRIPTS = new ConcurrentHashMap<>();

  private final Precision precision;
  private final PtNDManager root;

  /** An engine that computes in 32 bits. */
  public TorchEngine() {
    this(Precision.FP32);
  }

  /**
   * An engine.
   *
   * @throws IllegalStateException if libtorch cannot be loaded
   */
  public TorchEngine(Precision precision) {
    this.precision = precision;
    this.root = Library.ROOT;
  }

  @Override
  public String name() {
    return "libtorch-" + precision.name().toLowerCase(java.util.Locale.ROOT);
  }

  /** The arithmetic of this engine's blocks. */
  public Precision precision() {
    return precision;
  }

  @Override
  public TorchSession open(TensorSource weights) {
    return new TorchSession(this, weights);
  }

  PtNDManager root() {
    return root;
  }

  PtSymbolBlock compile(Block block, boolean drops) {
    String source = TorchScriptCompiler.compile(block, precision, drops);
    try {
      return script(source);
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          "libtorch does not compile the block " + block.name() + ": " + e.getMessage(), e);
    }
  }

  /** Loads the methods of a module, or finds them loaded. */
  static PtSymbolBlock script(String methods) {
    return SCRIPTS.computeIfAbsent(
        methods,
        source -> {
          ByteArrayInputStream archive = new ByteArrayInputStream(TorchScriptArchive.of(source));
          try {
            return JniUtils.loadModule(Library.ROOT, archive, false, false);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** Loads libtorch on first use. */
  private static final class Library {
    static final PtNDManager ROOT;

    static {
      // All natives come with the application; nothing is ever downloaded.
      System.setProperty("ai.djl.offline", System.getProperty("ai.djl.offline", "true"));
      ROOT = (PtNDManager) NDManager.newBaseManager("PyTorch");
    }
  }
}
