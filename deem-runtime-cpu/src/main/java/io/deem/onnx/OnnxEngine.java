package io.deem.onnx;

import ai.onnxruntime.OrtEnvironment;
import io.deem.graph.Engine;
import io.deem.ort.BlockModels;
import io.deem.ort.OnnxSession;
import io.deem.ort.OrtLibrary;
import io.deem.weights.TensorSource;

/**
 * Runs blocks on ONNX Runtime, forward only.
 *
 * <p>Each block becomes an ONNX model of its own when it first runs, with its parameters as
 * initializers. ONNX Runtime then lays matrices out for its kernels and maps the weights from where
 * they are stored, but shares nothing between models: blocks of equal structure get a model each.
 * Weights as inputs, which would let them share one, would leave every product to lay its matrix
 * out anew.
 */
public final class OnnxEngine implements Engine {

  private final OrtLibrary library;

  /** An engine that uses all processors. */
  public OnnxEngine() {
    this(0);
  }

  /**
   * An engine.
   *
   * @param threads for one computation, or 0 for as many as there are processors. A process has one
   *     number of threads for ONNX Runtime, that of the first engine
   * @throws IllegalStateException if ONNX Runtime cannot be loaded
   */
  public OnnxEngine(int threads) {
    library = OrtLibrary.load(threads);
  }

  /**
   * The process's only environment. Made by ONNX Runtime's own means on an ordinary thread, it ends
   * the process where the command line is long.
   */
  public OrtEnvironment environment() {
    return library.environment();
  }

  @Override
  public String name() {
    return "onnxruntime-fp32";
  }

  @Override
  public OnnxSession open(TensorSource weights) {
    return open(weights, LinearWeights.AS_THEY_ARE);
  }

  /**
   * Opens weights of which some matrices may be quantised.
   *
   * @param weights must stay open as long as the session
   * @param linear says which matrices are quantised; closed with the session
   */
  public OnnxSession open(TensorSource weights, LinearWeights linear) {
    return new OnnxSession(
        library, "onnxruntime-" + linear.precision(), new CompiledModels(weights, linear));
  }

  OnnxSession open(BlockModels models) {
    return new OnnxSession(library, name(), models);
  }
}
