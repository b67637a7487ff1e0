package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Tensor;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** AdamW against its formulas, computed here in double precision. */
class AdamWTest {

  private static final Param WEIGHT = Param.of("layer.weight", 5);
  private static final Param BIAS = Param.of("layer.bias", 1);
  private static final Param UNUSED = Param.of("unused.weight", 2);

  /** sum(weight^2) + 3 * bias, so that the gradients are 2 * weight and 3. */
  private static final Block LOSS =
      Graph.block(
          "loss",
          g -> {
            Tensor weight = g.param(WEIGHT);
            return List.of(
                weight.times(weight).sum(false, 0).plus(g.param(BIAS).sum(false, 0).times(3.0)));
          });

  private static TorchSession session() {
    InitialWeights start =
        new InitialWeights(List.of(WEIGHT, BIAS, UNUSED), 1)
            .set("layer.weight", () -> new float[] {1, 2, 3, 4, 5});
    TorchSession session = new TorchEngine().open(start);
    session.load(UNUSED);
    session.trainable(name -> true);
    return session;
  }

  @Test
  void followsTheFormulasWithClippingAndDecay() {
    double rate = 0.1;
    double decay = 0.05;
    try (TorchSession session = session();
        AdamW optimizer =
            new AdamW(
                session,
                new AdamW.Config(0.9, 0.99, 1e-6, 1),
                List.of(new ParameterGroup("", rate, decay)),
                Set.of())) {
      double[] p = {1, 2, 3, 4, 5, 0};
      double[] m = new double[6];
      double[] v = new double[6];
      for (int t = 1; t <= 5; t++) {
        double norm;
        try (TorchScope scope = session.trainingScope()) {
          scope.backward(scope.run1(LOSS));
          norm = optimizer.step(1);
        }
        assertEquals(step(p, m, v, t, rate, decay), norm, 1e-5, "norm of step " + t);
        float[] weight = session.param("layer.weight").floats();
        for (int i = 0; i < 5; i++) {
          assertEquals(p[i], weight[i], 2e-6, "weight " + i + " after step " + t);
        }
        assertEquals(p[5], session.param("layer.bias").floats()[0], 2e-6, "bias after step " + t);
      }
    }
  }

  private static double step(double[] p, double[] m, double[] v, int t, double rate, double decay) {
    double[] gradient = new double[6];
    double square = 0;
    for (int i = 0; i < 6; i++) {
      gradient[i] = i < 5 ? 2 * p[i] : 3;
      square += gradient[i] * gradient[i];
    }
    double clip = Math.min(1, 1 / (Math.sqrt(square) + 1e-6));
    for (int i = 0; i < 6; i++) {
      double g = gradient[i] * clip;
      p[i] *= i < 5 ? 1 - rate * decay : 1; // the bias does not decay
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.99 * v[i] + 0.01 * g * g;
      double corrected = m[i] / (1 - Math.pow(0.9, t));
      p[i] -= rate * corrected / (Math.sqrt(v[i] / (1 - Math.pow(0.99, t))) + 1e-6);
    }
    return Math.sqrt(square);
  }

  @Test
  void leavesAloneWhatNoGradientReaches() {
    try (TorchSession session = session();
        AdamW optimizer =
            new AdamW(
                session,
                AdamW.Config.DEFAULT,
                List.of(new ParameterGroup("", 0.1, 0.5)),
                Set.of())) {
      float[] before = session.param("unused.weight").floats();
      try (TorchScope scope = session.trainingScope()) {
        scope.backward(scope.run1(LOSS));
        optimizer.step(1);
      }
      assertArrayEquals(before, session.param("unused.weight").floats());
    }
  }

  @Test
  void theFirstGroupThatFitsDecides() {
    try (TorchSession session = session();
        AdamW optimizer =
            new AdamW(
                session,
                AdamW.Config.DEFAULT,
                List.of(new ParameterGroup("bias", 0, 0), new ParameterGroup("", 0.1, 0)),
                Set.of())) {
      try (TorchScope scope = session.trainingScope()) {
        scope.backward(scope.run1(LOSS));
        optimizer.step(1);
      }
      assertEquals(0, session.param("layer.bias").floats()[0]);
      assertEquals(0.9, session.param("layer.weight").floats()[0], 1e-5);
    }
  }
}
