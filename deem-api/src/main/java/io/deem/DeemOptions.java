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
 * @param deviceBytes the most memory of a GPU that weights may take; what does not fit stays in the
 *     processor's memory and visits the GPU whenever it is needed, which is slower but lets a model
 *     run and learn that is larger than the GPU. Weights that learn stay on the GPU in any case. 0
 *     for no limit
 */
public record DeemOptions(
    String runtime,
    int threads,
    long cacheBytes,
    Precision precision,
    String engine,
    long deviceBytes) {

  private static final DeemOptions DEFAULTS =
      new DeemOptions(null, 0, 64L << 20, Precision.AUTO, null, 0);

  public DeemOptions {
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, not " + threads);
    }
    if (cacheBytes < 0) {
      throw new IllegalArgumentException("cacheBytes must be at least 0, not " + cacheBytes);
    }
    if (deviceBytes < 0) {
      throw new IllegalArgumentException("deviceBytes must be at least 0, not " + deviceBytes);
    }
    Objects.requireNonNull(precision, "precision");
  }

  /** The best usable runtime, all processors, 64 MiB of encoded images. */
  public static DeemOptions defaults() {
    return DEFAULTS;
  }

  /** These options with a runtime chosen by name. */
  public DeemOptions withRuntime(String name) {
    return new DeemOptions(name, threads, cacheBytes, precision, engine, deviceBytes);
  }

  /** These options with another number of threads. */
  public DeemOptions withThreads(int count) {
    return new DeemOptions(runtime, count, cacheBytes, precision, engine, deviceBytes);
  }

  /** These options with another size of the cache of encoded images. */
  public DeemOptions withCacheBytes(long bytes) {
    return new DeemOptions(runtime, threads, bytes, precision, engine, deviceBytes);
  }

  /** These options with another precision. */
  public DeemOptions withPrecision(Precision wanted) {
    return new DeemOptions(runtime, threads, cacheBytes, wanted, engine, deviceBytes);
  }

  /** These options with an engine chosen by name. */
  public DeemOptions withEngine(String name) {
    return new DeemOptions(runtime, threads, cacheBytes, precision, name, deviceBytes);
  }

  /** These options with another limit for the memory that weights take on a GPU. */
  public DeemOptions withDeviceBytes(long bytes) {
    return new DeemOptions(runtime, threads, cacheBytes, precision, engine, bytes);
  }
}
