package io.deem.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.pytorch.engine.PtNDArray;
import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.random.RandomSource;
import io.deem.training.InitialWeights;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Linear layers that are convolutions, whatever processor the test runs on. */
class ConvolvedLinearTest {

  private static final int IN = 640;
  private static final int OUT = 512;
  private static final Param WEIGHT = Param.of("weight", OUT, IN);
  private static final Param BIAS = Param.of("bias", OUT);

  private static final Block BLOCK =
      Graph.block(
          "linear",
          g -> {
            Shape shape = Shape.of(Dim.symbol("batch"), Dim.symbol("length"), IN);
            return List.of(g.input("x", shape).linear(g.param(WEIGHT), g.param(BIAS)));
          });

  private static String source(boolean convolves) {
    TorchOptions options = TorchOptions.onProcessor(Precision.FP32);
    return TorchScriptCompiler.compile(BLOCK, options, false, convolves);
  }

  private record Outcome(float[] result, List<float[]> gradients) {}

  private static Outcome run(boolean convolves, int batch, int length) {
    RandomSource random = RandomSource.seeded(3);
    float[] x = new float[batch * length * IN];
    float[] cotangent = new float[batch * length * OUT];
    random.gaussian(x);
    random.gaussian(cotangent);
    InitialWeights weights = new InitialWeights(List.of(WEIGHT, BIAS), 1);
    try (TorchSession session = new TorchEngine(Precision.FP32).open(weights)) {
      session.trainable(name -> true);
      List<PtNDArray> params =
          List.of(TorchValue.arrayOf(session.load(WEIGHT)), TorchValue.arrayOf(session.load(BIAS)));
      try (TorchScope scope = session.trainingScope()) {
        Value leaf = scope.leaf(x, batch, length, IN);
        List<PtNDArray> arguments = List.of(TorchValue.arrayOf(leaf), params.get(0), params.get(1));
        Value y = scope.call(TorchEngine.script(source(convolves)), arguments).get(0);
        assertArrayEquals(new long[] {batch, length, OUT}, y.shape());
        scope.backward(y, scope.floats(cotangent, batch, length, OUT), false);
        return new Outcome(
            y.floats(),
            List.of(
                scope.gradient(leaf).floats(),
                scope.gradient("weight").floats(),
                scope.gradient("bias").floats()));
      }
    }
  }

  @Test
  void onlyLargeProductsAreConvolved() {
    assertFalse(source(false).contains("conv2d"));
    // 2^24 / (640 * 512) = 51.2
    assertTrue(source(true).contains(">= 52 else torch.linear("), source(true));
  }

  @Test
  void resultsAndGradientsAreTheSame() {
    for (int length : new int[] {5, 70}) {
      Outcome plain = run(false, 3, length);
      Outcome convolved = run(true, 3, length);
      close(plain.result, convolved.result);
      for (int i = 0; i < 3; i++) {
        close(plain.gradients.get(i), convolved.gradients.get(i));
      }
    }
  }

  private static void close(float[] expected, float[] found) {
    assertEquals(expected.length, found.length);
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - found[i]));
    }
    assertTrue(difference <= 1e-5 * largest, difference + " of " + largest);
  }

  @Test
  void whichProcessorsItIsFor() {
    List<String> zen5 = List.of("vendor_id\t: authenticamd", "flags\t\t: fpu avx2 avx512f");
    List<String> zen3 = List.of("vendor_id\t: authenticamd", "flags\t\t: fpu avx2");
    List<String> xeon = List.of("vendor_id\t: genuineintel", "flags\t\t: fpu avx2 avx512f");
    assertTrue(ProcessorFeatures.isUnusedByMkl(zen5));
    assertFalse(ProcessorFeatures.isUnusedByMkl(zen3));
    assertFalse(ProcessorFeatures.isUnusedByMkl(xeon));
    assertFalse(ProcessorFeatures.isUnusedByMkl(List.of()));
  }
}
