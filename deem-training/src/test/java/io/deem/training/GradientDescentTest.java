package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GradientDescentTest {

  private static final Param WEIGHT = Param.of("layer.weight", 3);

  /** The sum of squares, whose gradient is twice the weight. */
  private static final Block LOSS =
      Graph.block(
          "loss",
          g -> {
            Tensor weight = g.param(WEIGHT);
            return List.of(weight.times(weight).sum(false, 0));
          });

  private static TorchSession session() {
    TorchSession session =
        new TorchEngine()
            .open(
                new InitialWeights(List.of(WEIGHT), 1)
                    .set("layer.weight", () -> new float[] {1, -2, 3}));
    session.trainable(name -> true);
    return session;
  }

  private static double step(TorchSession session, Optimizer optimizer, double factor) {
    try (TorchScope scope = session.trainingScope()) {
      scope.backward(scope.run1(LOSS));
      return optimizer.step(factor);
    }
  }

  @Test
  void followsTheFormula() {
    try (TorchSession session = session();
        GradientDescent optimizer =
            new GradientDescent(session, new GradientDescent.Config(0.1, 0.9, 0))) {
      double[] p = {1, -2, 3};
      double[] m = new double[3];
      for (int t = 0; t < 4; t++) {
        double factor = t == 2 ? 0.5 : 1;
        double square = 0;
        for (int i = 0; i < 3; i++) {
          double gradient = 2 * p[i];
          square += gradient * gradient;
          m[i] = 0.9 * m[i] + gradient;
          p[i] -= 0.1 * factor * m[i];
        }
        assertEquals(Math.sqrt(square), step(session, optimizer, factor), 1e-5);
        float[] weight = session.param("layer.weight").floats();
        assertArrayEquals(new float[] {(float) p[0], (float) p[1], (float) p[2]}, weight, 1e-5f);
      }
      assertEquals(4, optimizer.steps());
    }
  }

  @Test
  void clipsTheGlobalNorm() {
    try (TorchSession session = session();
        GradientDescent optimizer =
            new GradientDescent(session, new GradientDescent.Config(1, 0, 1))) {
      double norm = step(session, optimizer, 1);
      float shrunk = (float) (1 - 2 / norm);
      assertArrayEquals(
          new float[] {shrunk, -2 * shrunk, 3 * shrunk},
          session.param("layer.weight").floats(),
          1e-5f);
    }
  }

  @Test
  void goesOnFromSavedMoments(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("moments.safetensors");
    float[] expected;
    float[] between;
    try (TorchSession session = session();
        GradientDescent optimizer = new GradientDescent(session, GradientDescent.Config.DIVA)) {
      step(session, optimizer, 1);
      between = session.param("layer.weight").floats();
      SafetensorsWriter moments = new SafetensorsWriter();
      optimizer.write(moments);
      moments.write(file);
      step(session, optimizer, 1);
      expected = session.param("layer.weight").floats();
    }
    try (TorchSession session = session();
        SafetensorsFile moments = SafetensorsFile.open(file);
        GradientDescent optimizer = new GradientDescent(session, GradientDescent.Config.DIVA)) {
      session.load(WEIGHT);
      session.set("layer.weight", between);
      optimizer.restore(moments, 1);
      step(session, optimizer, 1);
      assertArrayEquals(expected, session.param("layer.weight").floats());
      assertEquals(2, optimizer.steps());
    }
  }

  @Test
  void impossibleSettingsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new GradientDescent.Config(0, 0.9, 0));
    assertThrows(IllegalArgumentException.class, () -> new GradientDescent.Config(1, 1, 0));
  }
}
