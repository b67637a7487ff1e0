package io.deem.runtime.cpu;

import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.model.ModelFolder;
import io.deem.onnx.OnnxEngine;
import io.deem.onnx.QuantizedLinears;
import io.deem.ort.OnnxSession;
import io.deem.weights.quantized.Quantization;
import io.deem.weights.quantized.QuantizationCache;
import io.deem.weights.quantized.QuantizedWeights;
import io.deem.weights.quantized.StackedMatrix;
import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Weights of models in ONNX Runtime, in the precision that is asked for. */
public final class OnnxSessions {

  private static final Logger LOG = LoggerFactory.getLogger(OnnxSessions.class);

  private OnnxSessions() {}

  /**
   * Opens a model's weights.
   *
   * @param model stays open as long as the session
   * @param options of which threads and precision count
   * @throws IOException if the weights cannot be read, or their quantised form not be written
   */
  public static OnnxSession open(ModelFolder model, DeemOptions options) throws IOException {
    OnnxEngine engine = new OnnxEngine(options.threads());
    Precision precision =
        PrecisionChoice.of(
            options.precision(),
            model.network(),
            PrecisionChoice.memory(),
            (matrix, quantization) -> PrecisionChoice.speed(engine, matrix, quantization));
    if (precision == Precision.FP32) {
      return engine.open(model.weights());
    }
    Quantization quantization = PrecisionChoice.quantization(precision, model.network());
    List<StackedMatrix> matrices =
        PrecisionChoice.matrices(model.network(), quantization).stream()
            .map(StackedMatrix::of)
            .toList();
    int threads =
        options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    QuantizedWeights weights =
        QuantizationCache.of(model.folder())
            .open(model.weights(), quantization, matrices, threads, new LoggedProgress());
    return engine.open(model.weights(), new QuantizedLinears(weights));
  }

  /** Tells of every tenth of the work. */
  private static final class LoggedProgress implements ProgressListener {
    private long told;

    @Override
    public void onProgress(Progress progress) {
      long tenths = progress.step() * 10 / Math.max(1, progress.totalSteps());
      if (tenths > told) {
        told = tenths;
        LOG.info("{}: {} %", progress.stage(), tenths * 10);
      }
    }
  }
}
