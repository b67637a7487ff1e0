package io.deem.graph;

/** Weights, loaded into an engine and ready to run blocks. Safe for use from many threads. */
public interface Session extends AutoCloseable {

  /** A scope for inference, without gradients. */
  Scope scope();

  /** The name of the engine, for reports. */
  String engineName();

  /** Frees the weights. Scopes must be closed before. */
  @Override
  void close();
}
