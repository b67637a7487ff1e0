package io.deem.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ONNX Runtime in this process. A model has a session for each of its blocks, which run one after
 * the other: a pool of threads for each would leave the processors to threads that wait, so there
 * is one pool for the process, made when the first engine is.
 *
 * @param environment the process's only one
 * @param threads of the pool
 * @param shared whether sessions can use the pool; not if the application made its own environment
 *     before
 */
public record OrtLibrary(OrtEnvironment environment, int threads, boolean shared) {

  private static final Logger LOG = LoggerFactory.getLogger(OrtLibrary.class);

  /** Measured: 256 bytes a character are not enough, 640 are. */
  private static final long STACK_PER_BYTE = 1024;

  private static final long SMALLEST_STACK = 16L << 20;

  private static OrtLibrary loaded;

  /**
   * Loads the library, or finds it loaded.
   *
   * @param threads for one computation, or 0 for as many as there are processors. A process has one
   *     number of threads for ONNX Runtime, the first that was asked for
   * @throws IllegalStateException if it cannot be loaded
   */
  public static synchronized OrtLibrary load(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + threads);
    }
    int wanted = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    if (loaded == null) {
      try {
        loaded = create(wanted);
      } catch (LinkageError e) {
        Throwable cause =
            e instanceof ExceptionInInitializerError && e.getCause() != null ? e.getCause() : e;
        throw new IllegalStateException("ONNX Runtime cannot be loaded: " + cause.getMessage(), e);
      }
    } else if (threads != 0 && threads != loaded.threads) {
      LOG.warn("ONNX Runtime is loaded already; it stays at {} threads", loaded.threads);
    }
    return loaded;
  }

  private static OrtLibrary create(int threads) {
    try (OrtEnvironment.ThreadingOptions options = new OrtEnvironment.ThreadingOptions()) {
      options.setGlobalIntraOpNumThreads(threads);
      options.setGlobalInterOpNumThreads(1);
      return new OrtLibrary(environment(options), threads, true);
    } catch (IllegalStateException e) {
      LOG.info("the application has an ONNX Runtime environment already; sessions get own threads");
      return new OrtLibrary(OrtEnvironment.getEnvironment(), threads, false);
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime cannot be set up: " + e.getMessage(), e);
    }
  }

  /**
   * Makes the environment, which logs nothing that exceptions tell, on a stack of its own. ONNX
   * Runtime 1.29 matches a regular expression against the process's command line then, with a
   * recursion as deep as that is long: a class path of 4,000 characters overflows the stack of a
   * Java thread, which ends the process.
   */
  private static OrtEnvironment environment(OrtEnvironment.ThreadingOptions options) {
    FutureTask<OrtEnvironment> task =
        new FutureTask<>(
            () ->
                OrtEnvironment.getEnvironment(
                    OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, "deem", options));
    long stack = Math.max(SMALLEST_STACK, commandLineBytes() * STACK_PER_BYTE);
    new Thread(null, task, "onnxruntime-setup", stack).start();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          if (e.getCause() instanceof Error error) {
            throw error;
          }
          if (e.getCause() instanceof RuntimeException exception) {
            throw exception;
          }
          throw new IllegalStateException(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static long commandLineBytes() {
    try {
      return Files.readAllBytes(Paths.get("/proc/self/cmdline")).length;
    } catch (IOException e) {
      // Not Linux, where alone this is known to happen.
      return 0;
    }
  }
}
