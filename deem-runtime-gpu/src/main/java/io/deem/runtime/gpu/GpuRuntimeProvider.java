package io.deem.runtime.gpu;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.graph.Scope;
import io.deem.model.ModelFolder;
import io.deem.runtime.EngineDeem;
import io.deem.runtime.FallbackDeem;
import io.deem.spi.RuntimeProvider;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchOptions;
import io.deem.torch.TorchSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.ServiceLoader;
import java.util.stream.StreamSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens models on an NVIDIA GPU.
 *
 * <p>Where another runtime is on the class path too, it takes over when the GPU fails, while the
 * model is opened or later; see {@link FallbackDeem}. A model that was opened on {@code gpu} by
 * name stays there.
 *
 * <p>The system property {@value #DEVICE} chooses the device: {@code cuda:0} unless it says
 * otherwise. {@code cpu} runs on the processor exactly what a GPU would run, to try it where there
 * is none.
 */
public final class GpuRuntimeProvider implements RuntimeProvider {

  /** The system property that names the device. */
  public static final String DEVICE = "deem.gpu.device";

  private static final Logger LOG = LoggerFactory.getLogger(GpuRuntimeProvider.class);
  private static final String NAME = "gpu";
  private static final int PRIORITY = 100;

  private final NvidiaDriver driver;
  private final Iterable<RuntimeProvider> others;

  /** Made by {@link java.util.ServiceLoader}. */
  public GpuRuntimeProvider() {
    this(NvidiaDriver.here(), ServiceLoader.load(RuntimeProvider.class));
  }

  GpuRuntimeProvider(NvidiaDriver driver, Iterable<RuntimeProvider> others) {
    this.driver = driver;
    this.others = others;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return PRIORITY;
  }

  @Override
  public String unusableBecause() {
    if (onProcessor()) {
      return null;
    }
    String reason = driver.unusableBecause();
    return reason != null ? reason : CudaLibrary.missing(GpuRuntimeProvider.class.getClassLoader());
  }

  @Override
  public Deem open(Path folder, DeemOptions options) throws IOException {
    RuntimeProvider other = NAME.equals(options.runtime()) ? null : other();
    if (other == null) {
      return openHere(folder, options);
    }
    DeemOptions there = options.withRuntime(other.name());
    Deem here;
    try {
      here = openHere(folder, options);
    } catch (IllegalStateException e) {
      LOG.warn("the GPU cannot be used: {}; {} is used instead", e.getMessage(), other.name());
      return other.open(folder, there);
    }
    return new FallbackDeem(here, () -> other.open(folder, there));
  }

  /** The best of the other usable runtimes; null if there is none. */
  private RuntimeProvider other() {
    return StreamSupport.stream(others.spliterator(), false)
        .filter(each -> each.priority() < PRIORITY && each.unusableBecause() == null)
        .max(Comparator.comparingInt(RuntimeProvider::priority))
        .orElse(null);
  }

  private Deem openHere(Path folder, DeemOptions options) throws IOException {
    if (options.engine() != null && !options.engine().equals("libtorch")) {
      throw new IllegalArgumentException(
          "the gpu runtime has the engine libtorch alone, not " + options.engine());
    }
    if (options.precision() == Precision.INT8 || options.precision() == Precision.INT4) {
      throw new IllegalArgumentException(
          "the gpu runtime computes in floating point, not in " + options.precision());
    }
    ModelFolder model = ModelFolder.open(folder);
    boolean opened = false;
    try {
      TorchEngine engine = engine(options.deviceBytes());
      TorchSession session = engine.open(model.weights());
      Deem deem = new EngineDeem(model, session, NAME, engine.options(), options);
      opened = true;
      return deem;
    } finally {
      if (!opened) {
        model.close();
      }
    }
  }

  private static boolean onProcessor() {
    return TorchOptions.CPU.equals(System.getProperty(DEVICE));
  }

  /**
   * An engine on the device.
   *
   * @param deviceBytes the most memory for weights; 0 for no limit
   * @throws IllegalStateException saying in one line why there is none
   */
  static TorchEngine engine(long deviceBytes) {
    TorchOptions options =
        TorchOptions.accelerated(System.getProperty(DEVICE, "cuda:0"))
            .withResidentBytes(deviceBytes == 0 ? Long.MAX_VALUE : deviceBytes);
    try {
      ClassLoader loader = GpuRuntimeProvider.class.getClassLoader();
      if (options.onGpu() || CudaLibrary.missing(loader) == null) {
        CudaLibrary.choose(loader, CudaLibrary.defaultCache());
      }
      TorchEngine engine = new TorchEngine(options);
      if (options.onGpu()) {
        CudaLibrary.loadDriverPart();
      }
      // The first use of a device starts CUDA, so that what is wrong with it is said here.
      try (TorchSession session = engine.open(new NoWeights());
          Scope scope = session.scope()) {
        scope.floats(new float[] {1}, 1).floats();
      }
      return engine;
    } catch (IOException | LinkageError | RuntimeException e) {
      throw new IllegalStateException(reason(options.device(), e), e);
    }
  }

  /** The innermost cause, in one line that says what to do. */
  static String reason(String device, Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    String message = String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    if (message.contains("libcuda.so")) {
      return "the NVIDIA driver's library libcuda.so.1 cannot be loaded; install the driver,"
          + " version "
          + NvidiaDriver.OLDEST
          + " or newer ("
          + message
          + ")";
    }
    if (message.contains("driver version is insufficient")
        || message.contains("driver is too old")) {
      return "the NVIDIA driver is too old for CUDA 12.4, which needs "
          + NvidiaDriver.OLDEST
          + " or newer";
    }
    if (message.contains("no CUDA-capable device") || message.contains("No CUDA GPUs")) {
      return device + " cannot be used: there is no CUDA-capable GPU";
    }
    if (message.contains("invalid device ordinal")) {
      return device + " cannot be used: there are fewer GPUs; set -D" + DEVICE;
    }
    return device + " cannot be used: " + message;
  }
}
