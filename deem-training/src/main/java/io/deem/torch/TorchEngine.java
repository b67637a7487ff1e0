package io.deem.torch;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import io.deem.graph.Block;
import io.deem.graph.BlockRewriting;
import io.deem.graph.Engine;
import io.deem.graph.Param;
import io.deem.weights.TensorSource;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

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

  private final TorchOptions options;
  private final TorchListener listener;
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
    this(TorchOptions.onProcessor(precision));
  }

  /**
   * An engine.
   *
   * @throws IllegalStateException if libtorch cannot be loaded
   */
  public TorchEngine(TorchOptions options) {
    this(options, null);
  }

  /**
   * An engine that somebody watches.
   *
   * @param listener is told of everything that is computed, on the thread that computes it
   */
  public TorchEngine(TorchOptions options, TorchListener listener) {
    this.options = options;
    this.listener = listener;
    this.root = Library.ROOT;
  }

  @Override
  public String name() {
    String precision = options.precision().name().toLowerCase(java.util.Locale.ROOT);
    return "libtorch-" + precision + (options.onGpu() ? "-" + options.device() : "");
  }

  /** The arithmetic of this engine's blocks. */
  public Precision precision() {
    return options.precision();
  }

  /** Where and how this engine computes. */
  public TorchOptions options() {
    return options;
  }

  /**
   * The archive of a block's script, which any libtorch loads. Its method {@code forward} takes the
   * block's inputs, parameters and constants, in this order, and returns the list of its outputs.
   */
  public static byte[] archive(Block block, TorchOptions options) {
    return TorchScriptArchive.of(TorchScriptCompiler.compile(block, options));
  }

  /** The names of a block's parameters that narrow weights keep in bfloat16. */
  public static Set<String> narrowParams(Block block) {
    return NarrowWeights.of(block).stream()
        .map(t -> t.attributes().get("param", Param.class).name())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Null if nobody watches. */
  TorchListener listener() {
    return listener;
  }

  @Override
  public TorchSession open(TensorSource weights) {
    return open(weights, BlockRewriting.NONE);
  }

  /**
   * Opens weights for networks whose blocks are changed before they are compiled.
   *
   * @param weights must stay open as long as the session; has the parameters of the changed blocks
   */
  public TorchSession open(TensorSource weights, BlockRewriting rewriting) {
    return new TorchSession(this, weights, rewriting);
  }

  /** Starts the random numbers that dropout draws in this process. */
  public static void seed(long seed) {
    JniUtils.setSeed(seed);
  }

  PtNDManager root() {
    return root;
  }

  PtSymbolBlock compile(Block block, boolean drops) {
    boolean convolves = !options.onGpu() && Library.CONVOLVES;
    String source = TorchScriptCompiler.compile(block, options, drops, convolves);
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

    static final boolean CONVOLVES = ProcessorFeatures.unusedByMkl();

    static {
      // All natives come with the application; nothing is ever downloaded.
      System.setProperty("ai.djl.offline", System.getProperty("ai.djl.offline", "true"));
      // Sessions name their device; by itself DJL would take the first GPU.
      ROOT = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
    }
  }
}
