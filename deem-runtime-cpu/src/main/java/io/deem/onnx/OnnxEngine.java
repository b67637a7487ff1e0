package io.deem.onnx;

import ai.onnxruntime.OrtEnvironment;
import io.deem.graph.Block;
import io.deem.graph.Engine;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;

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
    try {
      library = OrtLibrary.load(threads);
    } catch (LinkageError e) {
      Throwable cause =
          e instanceof ExceptionInInitializerError && e.getCause() != null ? e.getCause() : e;
      throw new IllegalStateException("ONNX Runtime cannot be loaded: " + cause.getMessage(), e);
    }
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
    return new OnnxSession(library, "onnxruntime-" + linear.precision(), weights, linear);
  }

  /**
   * Opens the blocks of an exported model. Its weights are read by ONNX Runtime alone.
   *
   * @param folder what {@link OnnxExport} wrote; from a source that is trusted, as ONNX Runtime
   *     runs what is in it
   * @throws java.nio.file.NoSuchFileException if the folder holds no exported model
   * @throws IOException if it cannot be read
   */
  public OnnxSession openExported(Path folder) throws IOException {
    return open(ExportedModels.in(folder));
  }

  OnnxSession open(Function<Block, OnnxModel> models) {
    return new OnnxSession(library, name(), models);
  }
}
