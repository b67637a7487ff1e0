package io.deem.runtime.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Precision;
import io.deem.cases.TinyDeem;
import io.deem.model.DeemNetwork;
import io.deem.onnx.OnnxEngine;
import io.deem.weights.quantized.Quantization;
import java.util.List;
import org.junit.jupiter.api.Test;

class PrecisionChoiceTest {

  private static final DeemNetwork NETWORK = new DeemNetwork(TinyDeem.config(5));

  private static Precision automatic(long memory, double gain) {
    return PrecisionChoice.of(
        Precision.AUTO, NETWORK, memory, (matrix, how) -> how.bits() == 4 ? gain : 1);
  }

  private static long bytes() {
    return 4
        * NETWORK.params().stream()
            .mapToLong(param -> TinyDeem.weights(TinyDeem.config(5)).info(param.name()).elements())
            .sum();
  }

  @Test
  void memoryAndSpeedDecide() {
    long whole = bytes();
    assertEquals(Precision.FP32, automatic(4 * whole, 9));
    assertEquals(Precision.INT8, automatic(4 * whole - 1, 1.4));
    assertEquals(Precision.INT4, automatic(4 * whole - 1, 1.6));
    assertEquals(Precision.INT4, automatic(whole, 1));
  }

  @Test
  void whatIsAskedForIsTaken() {
    for (Precision asked : List.of(Precision.FP32, Precision.INT8, Precision.INT4)) {
      assertEquals(asked, PrecisionChoice.of(asked, NETWORK, 1, (matrix, how) -> 1));
    }
  }

  @Test
  void onlyWhatFillsABlockIsQuantised() {
    Quantization how = PrecisionChoice.quantization(Precision.INT4, NETWORK);
    assertEquals(32, how.blockSize());
    List<String> names = PrecisionChoice.matrices(NETWORK, how);
    assertTrue(names.contains("mm_decoder.layers.0.mlp.down_proj.weight"), names.toString());
    assertTrue(names.contains("mm_decoder.embed_tokens.weight"), names.toString());
    assertTrue(names.contains("text_decoder.head.weight"), names.toString());
    // 16 numbers in a row.
    assertFalse(names.contains("mm_decoder.layers.0.llama_cross_attn.attn.value_proj.weight"));
  }

  @Test
  void productsAreMeasured() {
    Quantization how = new Quantization(4, 32, true);
    double speed =
        PrecisionChoice.speed(new OnnxEngine(1), NETWORK.language().decoder().embeddings(), how);
    assertTrue(speed > 0 && Double.isFinite(speed), "speed " + speed);
  }
}
