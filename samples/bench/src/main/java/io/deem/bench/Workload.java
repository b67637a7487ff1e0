package io.deem.bench;

/** What is done again and again while it is measured. */
interface Workload extends AutoCloseable {

  /** Does it once. */
  void run();

  /** The nanoseconds that the engine has computed for it so far. */
  long nativeNanos();

  /** Tokens, pictures or steps in one {@link #run}. */
  double units();

  /** For one unit, what it costs of the limit it is up against: GB read or GFLOP; 0 if unknown. */
  double cost();

  @Override
  void close();
}
