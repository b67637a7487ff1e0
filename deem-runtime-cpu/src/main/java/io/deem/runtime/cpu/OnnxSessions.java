package io.deem.runtime.cpu;

import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.model.ModelFolder;
import io.deem.onnx.LinearWeights;
import io.deem.onnx.OnnxEngine;
import io.deem.onnx.OnnxExport;
import io.deem.onnx.QuantizedLinears;
import io.deem.ort.OnnxSession;
import io.deem.weights.quantized.Quantization;
import io.deem.weights.quantized.QuantizationCache;
import io.deem.weights.quantized.QuantizedWeights;
import io.deem.weights.quantized.StackedMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    return engine.open(model.weights(), matrices(engine, model, model.folder(), options));
  }

  /**
   * Exports a model; see {@link OnnxExport}.
   *
   * @param options of which threads and precision count
   * @return the number of ONNX files
   */
  public static int export(Path model, Path folder, DeemOptions options) throws IOException {
    OnnxEngine engine = new OnnxEngine(options.threads());
    return OnnxExport.write(
        engine,
        model,
        folder,
        (copy, place) -> {
          Files.createDirectory(place);
          LinearWeights matrices = matrices(engine, copy, place, options);
          if (matrices.equals(LinearWeights.AS_THEY_ARE)) {
            Files.delete(place);
          }
          return matrices;
        });
  }

  /** The matrices in the precision that is asked for, quantised in a folder if need be. */
  private static LinearWeights matrices(
      OnnxEngine engine, ModelFolder model, Path folder, DeemOptions options) throws IOException {
    Precision precision =
        PrecisionChoice.of(
            options.precision(),
            model.network(),
            PrecisionChoice.memory(),
            (matrix, quantization) -> PrecisionChoice.speed(engine, matrix, quantization));
    if (precision == Precision.FP32) {
      return LinearWeights.AS_THEY_ARE;
    }
    Quantization quantization = PrecisionChoice.quantization(precision, model.network());
    List<StackedMatrix> matrices =
        PrecisionChoice.matrices(model.network(), quantization).stream()
            .map(StackedMatrix::of)
            .toList();
    int threads =
        options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    QuantizedWeights weights =
        QuantizationCache.of(folder)
            .open(model.weights(), quantization, matrices, threads, new LoggedProgress());
    return new QuantizedLinears(weights);
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
