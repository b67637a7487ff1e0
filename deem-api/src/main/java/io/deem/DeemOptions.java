package io.deem;

import java.util.Objects;

/**
 * How a model is opened. Immutable; start from {@link #defaults()}.
 *
 * <pre>{@code
 * DeemOptions options = DeemOptions.defaults().withRuntime("cpu").withThreads(4);
 * }</pre>
 *
 * @param runtime the name of the runtime to use, or null for the best usable one
 * @param threads threads for one computation; 0 for as many as there are processors. A process has
 *     one number of threads for each engine, that of the first model opened
 * @param cacheBytes memory for encoded images, so that a second question about a picture is cheap;
 *     0 for none
 * @param precision what large matrices are computed in
 * @param engine the name of the engine that the runtime is to compute with, or null for its best;
 *     {@code onnxruntime} and {@code libtorch} are the CPU runtime's
 */
public record DeemOptions(
    String runtime, int threads, long cacheBytes, Precision precision, String engine) {

  private static final DeemOptions DEFAULTS =
      new DeemOptions(null, 0, 64L << 20, Precision.AUTO, null);

  public DeemOptions {
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + threads);
    }
    if (cacheBytes < 0) {
      throw new IllegalArgumentException("cacheBytes must be at least 0, not " + cacheBytes);
    }
    Objects.requireNonNull(precision, "precision");
  }

  /** The best usable runtime, all processors, 64 MiB of encoded images. */
  public static DeemOptions defaults() {
    return DEFAULTS;
  }

  /** These options with a runtime chosen by name. */
  public DeemOptions withRuntime(String name) {
    return new DeemOptions(name, threads, cacheBytes, precision, engine);
  }

  /** These options with another number of threads. */
  public DeemOptions withThreads(int count) {
    return new DeemOptions(runtime, count, cacheBytes, precision, engine);
  }

  /** These options with another size of the cache of encoded images. */
  public DeemOptions withCacheBytes(long bytes) {
    return new DeemOptions(runtime, threads, bytes, precision, engine);
  }

  /** These options with another precision. */
  public DeemOptions withPrecision(Precision wanted) {
    return new DeemOptions(runtime, threads, cacheBytes, wanted, engine);
  }

  /** These options with an engine chosen by name. */
  public DeemOptions withEngine(String name) {
    return new DeemOptions(runtime, threads, cacheBytes, precision, name);
  }
}
