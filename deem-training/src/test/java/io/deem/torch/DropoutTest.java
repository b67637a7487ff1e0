package io.deem.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Shape;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.training.InitialWeights;
import java.util.List;
import org.junit.jupiter.api.Test;

class DropoutTest {

  @Test
  void dropoutKeepsTheMeanAndGatesTheGradient() {
    int size = 4000;
    Block block = Graph.block("dropout", g -> List.of(g.input("x", Shape.of(size)).dropout(0.25)));
    float[] ones = new float[size];
    java.util.Arrays.fill(ones, 1);
    try (TorchSession session = new TorchEngine().open(new InitialWeights(List.of(), 0));
        TrainingScope scope = session.trainingScope()) {
      TorchEngine.seed(1);
      Value x = scope.leaf(ones, size);
      Value y = scope.run1(block, x);
      float[] kept = y.floats();
      int zeros = 0;
      for (float value : kept) {
        zeros += value == 0 ? 1 : 0;
        assertTrue(value == 0 || Math.abs(value - 4.0 / 3) < 1e-6, "value " + value);
      }
      assertEquals(0.25, (double) zeros / size, 0.03);
      scope.backward(y, scope.floats(ones, size), false);
      assertArrayEquals(kept, scope.gradient(x).floats(), 1e-6f);
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> Graph.block("all", g -> List.of(g.input("x", Shape.of(2)).dropout(1))));
  }
}
