package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Block;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.torch.Precision;
import io.deem.torch.Recording;
import io.deem.torch.Regularization;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same training step, recorded for its backward pass in different ways. */
class RecordingTest {

  private static final DeemNetwork NETWORK = new DeemNetwork(TinyModel.config());

  private record Result(float loss, Map<String, float[]> gradients, List<String> passed) {}

  private static Result step(
      Precision precision, Recording recording, Regularization rates, Predicate<String> learns) {
    try (TorchSession session = new TorchEngine(precision).open(TinyModel.weights())) {
      session.trainable(learns);
      NETWORK.params().forEach(session::load);
      List<String> passed = new ArrayList<>();
      try (TorchScope scope = session.trainingScope(recording)) {
        scope.regularize(rates, RandomSource.seeded(3));
        scope.listen((block, backward, nanos) -> note(passed, block, backward));
        Value loss = losses(scope).total();
        float value = loss.scalar();
        scope.backward(loss);
        Map<String, float[]> gradients = new HashMap<>();
        for (String name : session.trainableParams()) {
          Value gradient = scope.gradient(name);
          gradients.put(name, gradient == null ? null : gradient.floats());
        }
        return new Result(value, gradients, passed);
      }
    }
  }

  private static void note(List<String> passed, Block block, boolean backward) {
    if (backward) {
      passed.add(block.name());
    }
  }

  private static DeemNetwork.Losses losses(TorchScope scope) {
    InterleavedBatch.Special special = TinyModel.config().special();
    int image = special.image();
    int start = special.imageStart();
    InterleavedBatch batch =
        new InterleavedBatch(
            special,
            List.of(
                new int[] {1, start, image, image, image, image, image, 4, 5, 6, 13, 2},
                new int[] {1, 4, 5, 6, start, image, image, image, image, image}),
            InterleavedBatch.Padding.RIGHT);
    float[] pixels = new float[2 * 3 * 64 * 64];
    RandomSource.seeded(5).uniform(pixels);
    Value images = scope.floats(pixels, 2, 3, 64, 64);
    return NETWORK.losses(
        scope,
        new DeemNetwork.Example(batch, images, images, batch.textTargets(null, false), null),
        DeemNetwork.LossWeights.PAPER,
        RandomSource.seeded(9));
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void gradientsDoNotDependOnTheRecording(Precision precision) {
    for (Regularization rates : List.of(Regularization.NONE, new Regularization(0.2, 0.3))) {
      Result whole = step(precision, Recording.STEP, rates, Freezing.NOTHING);
      for (Recording cut : List.of(Recording.BLOCKS, Recording.CHECKPOINTS)) {
        Result other = step(precision, cut, rates, Freezing.NOTHING);
        assertEquals(whole.loss, other.loss, cut + " " + rates);
        assertEquals(whole.gradients.keySet(), other.gradients.keySet());
        whole.gradients.forEach(
            (name, expected) -> close(cut + " " + name, expected, other.gradients.get(name)));
      }
    }
  }

  /**
   * Sums of more than two gradients may be taken in another order. The gradient of a key's bias, to
   * which the softmax is blind, is nothing but rounding.
   */
  private static void close(String name, float[] expected, float[] actual) {
    if (expected == null || actual == null) {
      // What libtorch gives zeros may be something that no gradient reaches when cut.
      float[] other = expected == null ? actual : expected;
      assertTrue(other == null || isZero(other), name);
      return;
    }
    double scale = 0;
    for (float value : expected) {
      scale = Math.max(scale, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], 1e-7 + 1e-5 * scale, name + "[" + i + "]");
    }
  }

  private static boolean isZero(float[] values) {
    for (float value : values) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  @Test
  void whatIsFrozenTakesNoPartInTheBackwardPass() {
    Result all = step(Precision.FP32, Recording.BLOCKS, Regularization.NONE, Freezing.NOTHING);
    assertTrue(all.passed.stream().anyMatch(name -> name.startsWith("convnext")));
    assertFalse(all.passed.stream().anyMatch(name -> name.startsWith("vae")), "never learns");
    Result few =
        step(
            Precision.FP32,
            Recording.BLOCKS,
            Regularization.NONE,
            name -> name.startsWith("text_decoder.head_new"));
    assertTrue(few.passed.stream().noneMatch(name -> name.startsWith("convnext")));
    assertTrue(few.passed.size() < 4, few.passed.toString());
  }

  @Test
  void theSameSeedDropsTheSame() {
    Regularization rates = new Regularization(0.2, 0.3);
    Result once = step(Precision.FP32, Recording.STEP, rates, Freezing.NOTHING);
    Result again = step(Precision.FP32, Recording.STEP, rates, Freezing.NOTHING);
    Result without = step(Precision.FP32, Recording.STEP, Regularization.NONE, Freezing.NOTHING);
    assertEquals(once.loss, again.loss);
    once.gradients.forEach(
        (name, gradient) -> assertArrayEquals(gradient, again.gradients.get(name), name));
    assertTrue(once.loss != without.loss);
  }

  @Test
  void bfloat16StaysNearThirtyTwoBits() {
    Result full = step(Precision.FP32, Recording.STEP, Regularization.NONE, Freezing.PRETRAINING);
    Result low = step(Precision.BF16, Recording.STEP, Regularization.NONE, Freezing.PRETRAINING);
    assertEquals(full.loss, low.loss, 0.02 * full.loss);
    assertTrue(full.loss != low.loss, "bfloat16 was not used");
    double dot = 0;
    double fulls = 0;
    double lows = 0;
    for (Map.Entry<String, float[]> each : full.gradients.entrySet()) {
      float[] other = low.gradients.get(each.getKey());
      for (int i = 0; each.getValue() != null && i < other.length; i++) {
        dot += (double) each.getValue()[i] * other[i];
        fulls += (double) each.getValue()[i] * each.getValue()[i];
        lows += (double) other[i] * other[i];
      }
    }
    assertEquals(1, dot / Math.sqrt(fulls * lows), 0.01, "direction of the gradient");
  }
}
