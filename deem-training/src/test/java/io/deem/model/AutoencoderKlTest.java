package io.deem.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AutoencoderKlTest {

  private static final AutoencoderKl.Config THREE_LEVELS =
      new AutoencoderKl.Config(3, 3, 4, List.of(8, 8, 16), 1, 4, 1);
  private static final AutoencoderKl VAE = new AutoencoderKl(THREE_LEVELS, "vae.");

  private static final Block SUM =
      Graph.block("sum", g -> List.of(g.input("x", Shape.of(1, 3, 8, 8)).sum(false, 0, 1, 2, 3)));

  private final Random random = new Random(7);

  @Test
  void threeLevelsShrinkAPictureFourTimes() {
    assertEquals(4, VAE.stride());
    try (TorchSession session = new TorchEngine().open(new RandomWeights(VAE.params(), 1));
        TorchScope scope = session.scope()) {
      AutoencoderKl.Moments moments =
          VAE.encode(scope, scope.floats(draw(2 * 3 * 16 * 24), 2, 3, 16, 24));
      assertArrayEquals(new long[] {2, 4, 4, 6}, moments.mean().shape());
      assertArrayEquals(new long[] {2, 3, 16, 24}, VAE.decode(scope, moments.mean()).shape());
    }
  }

  @Test
  void gradientsReachPixelsAndEveryParameter() {
    float[] pixels = draw(3 * 8 * 8);
    float[] noise = draw(4 * 2 * 2);
    float[] direction = draw(pixels.length);
    try (TorchSession session =
        new TorchEngine(Precision.FP64).open(new RandomWeights(VAE.params(), 1))) {
      session.trainable(name -> true);
      try (TorchScope scope = session.trainingScope()) {
        Value leaf = scope.leaf(pixels, 1, 3, 8, 8);
        Value redrawn = redraw(scope, leaf, noise);
        scope.backward(scope.run1(SUM, redrawn));
        double slope = 0;
        float[] gradient = scope.gradient(leaf).floats();
        for (int i = 0; i < gradient.length; i++) {
          slope += gradient[i] * direction[i];
        }
        double measured =
            (total(session, pixels, direction, 1e-3, noise)
                    - total(session, pixels, direction, -1e-3, noise))
                / 2e-3;
        assertEquals(measured, slope, 1e-3 * Math.abs(measured) + 1e-4);
        for (Param param : VAE.params()) {
          assertNotNull(scope.gradient(param.name()), param.name());
        }
      }
    }
  }

  @Test
  void channelsMustFallIntoGroups() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new AutoencoderKl.Config(3, 3, 4, List.of(8, 10), 1, 4, 1));
  }

  private Value redraw(TorchScope scope, Value pixels, float[] noise) {
    AutoencoderKl.Moments moments = VAE.encode(scope, pixels);
    return VAE.decode(
        scope, VAE.sample(scope, moments.mean(), moments.std(), scope.floats(noise, 1, 4, 2, 2)));
  }

  private double total(
      TorchSession session, float[] pixels, float[] direction, double step, float[] noise) {
    float[] moved = pixels.clone();
    for (int i = 0; i < moved.length; i++) {
      moved[i] += (float) (step * direction[i]);
    }
    double sum = 0;
    try (TorchScope scope = session.scope()) {
      for (float value : redraw(scope, scope.floats(moved, 1, 3, 8, 8), noise).floats()) {
        sum += value;
      }
    }
    return sum;
  }

  private float[] draw(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
