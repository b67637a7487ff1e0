package io.deem.runtime.cpu;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.graph.Session;
import io.deem.model.ModelFolder;
import io.deem.perception.CallGuard;
import io.deem.runtime.EngineDeem;
import io.deem.spi.RuntimeProvider;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens models on the CPU.
 *
 * <p>Models perceive on ONNX Runtime, or on libtorch where {@link DeemOptions#engine} says so; they
 * learn on libtorch, which is loaded only then. A process has one of each and one number of threads
 * for it: that of the first model opened. Calls are guarded by Resilience4j with these defaults: as
 * many run at once as there are processors, and a further one waits up to {@value
 * CallGuard#MAX_WAIT_SECONDS} seconds; a call may take {@value CallGuard#TIME_LIMIT_SECONDS}
 * seconds; when half of the last {@value CallGuard#WINDOW} calls failed in the engine, calls are
 * refused for {@value CallGuard#PAUSE_SECONDS} seconds.
 */
public final class CpuRuntimeProvider implements RuntimeProvider {

  private static final Logger LOG = LoggerFactory.getLogger(CpuRuntimeProvider.class);
  private static final String THREADS = "ai.djl.pytorch.num_threads";
  private static final String ONNX_RUNTIME = "onnxruntime";
  private static final String LIBTORCH = "libtorch";
  private static final String ONNX_LIBRARY = "ai/onnxruntime/OrtEnvironment.class";

  /** What libtorch is loaded with; -1 before. */
  private static final AtomicInteger LOADED_THREADS = new AtomicInteger(-1);

  /** Made by {@link java.util.ServiceLoader}. */
  public CpuRuntimeProvider() {}

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public String unusableBecause() {
    ClassLoader loader = CpuRuntimeProvider.class.getClassLoader();
    return loader.getResource(ONNX_LIBRARY) != null
        ? null
        : "ONNX Runtime is not on the class path (com.microsoft.onnxruntime:onnxruntime)";
  }

  @Override
  public Deem open(Path folder, DeemOptions options) throws IOException {
    String engine = options.engine() == null ? ONNX_RUNTIME : options.engine();
    if (!List.of(ONNX_RUNTIME, LIBTORCH).contains(engine)) {
      throw new IllegalArgumentException(
          "the cpu runtime has the engines onnxruntime and libtorch, not " + engine);
    }
    boolean torch = engine.equals(LIBTORCH);
    if (torch && !List.of(Precision.AUTO, Precision.FP32).contains(options.precision())) {
      throw new IllegalArgumentException(
          "libtorch computes in 32 bits on a CPU, not in " + options.precision());
    }
    ModelFolder model = ModelFolder.open(folder);
    Session session = null;
    boolean opened = false;
    try {
      chooseThreads(options.threads());
      session = torch ? engine().open(model.weights()) : OnnxSessions.open(model, options);
      Deem deem = new EngineDeem(model, session, name(), TorchOptions.onProcessor(), options);
      opened = true;
      return deem;
    } finally {
      if (!opened) {
        if (session != null) {
          session.close();
        }
        model.close();
      }
    }
  }

  private static void chooseThreads(int threads) {
    if (LOADED_THREADS.compareAndSet(-1, threads)) {
      if (threads > 0) {
        System.setProperty(THREADS, Integer.toString(threads));
      }
    } else if (threads > 0 && threads != LOADED_THREADS.get()) {
      LOG.warn("libtorch is loaded already; it does not change to {} threads", threads);
    }
  }

  private static TorchEngine engine() {
    try {
      return new TorchEngine();
    } catch (LinkageError | RuntimeException e) {
      Throwable cause =
          e instanceof ExceptionInInitializerError && e.getCause() != null ? e.getCause() : e;
      throw new IllegalStateException("libtorch cannot be loaded: " + cause.getMessage(), e);
    }
  }
}
