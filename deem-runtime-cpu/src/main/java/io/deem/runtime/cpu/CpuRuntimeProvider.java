package io.deem.runtime.cpu;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.model.ModelFolder;
import io.deem.runtime.CallGuard;
import io.deem.runtime.EngineDeem;
import io.deem.spi.RuntimeProvider;
import io.deem.torch.TorchEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens models on the CPU.
 *
 * <p>A process has one libtorch and one number of threads for it: that of the first model opened.
 * Calls are guarded by Resilience4j with these defaults: as many run at once as there are
 * processors, and a further one waits up to {@value CallGuard#MAX_WAIT_SECONDS} seconds; a call may
 * take {@value CallGuard#TIME_LIMIT_SECONDS} seconds; when half of the last {@value
 * CallGuard#WINDOW} calls failed in the engine, calls are refused for {@value
 * CallGuard#PAUSE_SECONDS} seconds.
 */
public final class CpuRuntimeProvider implements RuntimeProvider {

  private static final Logger LOG = LoggerFactory.getLogger(CpuRuntimeProvider.class);
  private static final String THREADS = "ai.djl.pytorch.num_threads";
  private static final String NATIVES = "native/lib/pytorch.properties";

  /** What libtorch was loaded with; -1 before. */
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
    boolean chosen =
        System.getenv("PYTORCH_LIBRARY_PATH") != null
            || System.getProperty("PYTORCH_LIBRARY_PATH") != null;
    return chosen || loader.getResource(NATIVES) != null
        ? null
        : "libtorch is not on the class path (ai.djl.pytorch:pytorch-native-cpu)";
  }

  @Override
  public Deem open(Path folder, DeemOptions options) throws IOException {
    ModelFolder model = ModelFolder.open(folder);
    boolean opened = false;
    try {
      chooseThreads(options.threads());
      TorchEngine engine = engine();
      Deem deem = new EngineDeem(model, engine.open(model.weights()), name(), options);
      opened = true;
      return deem;
    } finally {
      if (!opened) {
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
