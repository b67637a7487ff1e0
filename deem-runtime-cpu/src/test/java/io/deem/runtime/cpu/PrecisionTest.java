package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Deem;
import io.deem.DeemOptions;
import io.deem.Precision;
import io.deem.ProgressListener;
import io.deem.cases.TinyDeem;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.DeemNetwork;
import io.deem.model.ModelFolder;
import io.deem.onnx.OnnxEngine;
import io.deem.perception.LlamaTokenModel;
import io.deem.torch.TorchEngine;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import io.deem.weights.quantized.Quantization;
import io.deem.weights.quantized.QuantizationCache;
import io.deem.weights.quantized.QuantizedMatrix;
import io.deem.weights.quantized.QuantizedWeights;
import io.deem.weights.quantized.StackedMatrix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The language model in few bits, and token by token, against itself in 32 bits. */
class PrecisionTest {

  private static final int[][] PROMPTS = {{95, 95, 1, 5, 9, 12}, {1, 20, 4, 8, 6, 15}};
  private static final boolean[][] REAL = {
    {false, false, true, true, true, true}, {true, true, true, true, true, true}
  };

  @TempDir static Path folder;

  @BeforeAll
  static void write() throws IOException {
    TinyDeem.write(folder, TinyDeem.config(5));
  }

  /** Logits after a prompt and after each of some more tokens, rows swapped on the way. */
  private static float[][] logits(Session session, DeemNetwork network, int steps) {
    float[][] all = new float[2 * (steps + 1)][];
    try (Scope scope = session.scope()) {
      LlamaTokenModel model =
          LlamaTokenModel.ofTokens(
              scope, network.language().decoder(), network.language().head(), PROMPTS, REAL);
      float[][] rows = model.prefill();
      for (int step = 0; step <= steps; step++) {
        all[2 * step] = rows[0];
        all[2 * step + 1] = rows[1];
        int[] parents = step == 3 ? new int[] {1, 0} : new int[] {0, 1};
        rows = model.step(parents, new int[] {3 + step % 20, 4 + step % 17});
      }
    }
    return all;
  }

  private static double difference(float[][] expected, float[][] actual) {
    double difference = 0;
    double size = 0;
    for (int row = 0; row < expected.length; row++) {
      for (int i = 0; i < expected[row].length; i++) {
        // The head's bias keeps most words out; it would hide everything else.
        if (expected[row][i] > -100) {
          difference += Math.pow(expected[row][i] - actual[row][i], 2);
          size += Math.pow(expected[row][i], 2);
        }
      }
    }
    return Math.sqrt(difference / size);
  }

  @Test
  void cachesOverwrittenInPlaceGiveTheSameAsLibtorchsThatGrow() throws IOException {
    try (ModelFolder model = ModelFolder.open(folder);
        Session onnx = new OnnxEngine(1).open(model.weights());
        Session torch = new TorchEngine().open(model.weights())) {
      // More than a cache has room for at first.
      float[][] expected = logits(torch, model.network(), 70);
      float[][] actual = logits(onnx, model.network(), 70);
      double difference = difference(expected, actual);
      assertTrue(difference < 1e-5, "off by " + difference);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"INT8", "INT4"})
  void fewBitsComputeWithTheNumbersTheyStandFor(Precision precision) throws IOException {
    DeemOptions options = DeemOptions.defaults().withThreads(1).withPrecision(precision);
    try (ModelFolder model = ModelFolder.open(folder);
        Session session = OnnxSessions.open(model, options);
        Session meant = new OnnxEngine(1).open(dequantized(model, precision));
        Session whole = new OnnxEngine(1).open(model.weights())) {
      float[][] expected = logits(meant, model.network(), 8);
      float[][] actual = logits(session, model.network(), 8);
      double difference = difference(expected, actual);
      // The inputs of products are rounded to 8 bits as well.
      assertTrue(difference > 0 && difference < 0.03, "off by " + difference);
      assertTrue(difference(logits(whole, model.network(), 8), actual) > 1e-4, "not in few bits");
    }
  }

  private static TensorSource dequantized(ModelFolder model, Precision precision)
      throws IOException {
    Quantization how = PrecisionChoice.quantization(precision, model.network());
    List<StackedMatrix> matrices =
        PrecisionChoice.matrices(model.network(), how).stream().map(StackedMatrix::of).toList();
    OverlaidTensors numbers = new OverlaidTensors(model.weights(), "dequantised");
    try (QuantizedWeights weights =
        QuantizationCache.of(folder)
            .open(model.weights(), how, matrices, 1, ProgressListener.NONE)) {
      for (QuantizedMatrix matrix : weights.matrices()) {
        float[] values = weights.dequantize(matrix.name(), 0, (int) matrix.rows());
        numbers.with(matrix.name(), new long[] {matrix.rows(), matrix.columns()}, () -> values);
      }
    }
    return numbers;
  }

  @Test
  void optionsChooseEngineAndPrecision() throws IOException {
    DeemOptions options = DeemOptions.defaults().withRuntime("cpu");
    try (Deem four = Deem.open(folder, options.withPrecision(Precision.INT4));
        Deem torch = Deem.open(folder, options.withEngine("libtorch"))) {
      assertEquals("cpu (onnxruntime-int4)", four.info().runtime());
      assertEquals("cpu (libtorch-fp32)", torch.info().runtime());
      assertNotEquals(
          torch.perceiver().ask(TinyDeem.picture(64, 64, 1), "Is there a dog ?").probability(),
          four.perceiver().ask(TinyDeem.picture(64, 64, 1), "Is there a dog ?").probability());
    }
    for (DeemOptions wrong :
        List.of(
            options.withEngine("abacus"),
            options.withEngine("libtorch").withPrecision(Precision.INT8))) {
      assertThrows(IllegalArgumentException.class, () -> Deem.open(folder, wrong));
    }
  }
}
