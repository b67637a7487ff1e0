package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import io.deem.random.RandomSource;
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

class EightBitMomentsTest {

  private static final Linear FIRST = Linear.of("first", 65, 80);
  private static final Linear SECOND = Linear.of("second", 80, 1);
  private static final Block LOSS =
      Graph.block(
          "loss",
          g -> {
            Tensor x = g.input("x", Shape.of(32, 65));
            Tensor error = SECOND.apply(FIRST.apply(x).tanh()).minus(x.mean(true, 1));
            return List.of(error.times(error).mean());
          });

  @TempDir Path folder;

  private static TorchSession session() {
    TorchSession session =
        new TorchEngine()
            .open(
                new InitialWeights(
                    List.of(FIRST.weight(), FIRST.bias(), SECOND.weight(), SECOND.bias()), 7));
    session.trainable(name -> true);
    return session;
  }

  private static AdamW optimizer(TorchSession session, boolean eightBit) {
    return new AdamW(
        session,
        AdamW.Config.DEFAULT,
        List.of(new ParameterGroup("", 3e-3, 0.01)),
        name -> true,
        eightBit);
  }

  private static float[] losses(TorchSession session, AdamW optimizer, int from, int to) {
    float[] losses = new float[to - from];
    for (int step = from; step < to; step++) {
      try (TorchScope scope = session.trainingScope()) {
        float[] x = new float[32 * 65];
        RandomSource.seeded(step).gaussian(x);
        Value loss = scope.run1(LOSS, scope.floats(x, 32, 65));
        losses[step - from] = loss.scalar();
        scope.backward(loss);
        optimizer.step(1);
      }
    }
    return losses;
  }

  @Test
  void learnsAsWithThirtyTwoBits() {
    try (TorchSession full = session();
        AdamW exact = optimizer(full, false);
        TorchSession small = session();
        AdamW quantised = optimizer(small, true)) {
      float[] expected = losses(full, exact, 0, 60);
      float[] actual = losses(small, quantised, 0, 60);
      assertEquals(expected[0], actual[0]);
      assertTrue(expected[59] < 0.5f * expected[0], expected[0] + " to " + expected[59]);
      assertEquals(mean(expected), mean(actual), 0.1 * mean(expected));
    }
  }

  private static double mean(float[] losses) {
    double sum = 0;
    for (int i = losses.length - 20; i < losses.length; i++) {
      sum += losses[i] / 20;
    }
    return sum;
  }

  @Test
  void aSavedStateGoesOnWithTheSameBits() throws IOException {
    float[] whole;
    Path file = folder.resolve("moments.safetensors");
    Path weights = folder.resolve("weights.safetensors");
    try (TorchSession session = session();
        AdamW optimizer = optimizer(session, true)) {
      losses(session, optimizer, 0, 5);
      SafetensorsWriter writer = new SafetensorsWriter();
      optimizer.write(writer);
      writer.write(file);
      SessionWeights.of(session).write(weights);
      whole = losses(session, optimizer, 5, 12);
    }
    try (TorchSession session = session();
        AdamW optimizer = optimizer(session, true);
        AdamW exact = optimizer(session, false);
        SafetensorsFile moments = SafetensorsFile.open(file);
        SafetensorsFile saved = SafetensorsFile.open(weights)) {
      List.of(FIRST.weight(), FIRST.bias(), SECOND.weight(), SECOND.bias()).forEach(session::load);
      assertTrue(moments.contains("m.first.weight.scale"), "5200 moments are worth it");
      assertTrue(!moments.contains("m.second.weight.scale"), "80 are not");
      for (String name : session.params()) {
        session.set(name, saved.floats(name));
      }
      assertThrows(IllegalArgumentException.class, () -> exact.restore(moments, 5));
      optimizer.restore(moments, 5);
      assertArrayEquals(whole, losses(session, optimizer, 5, 12));
    }
  }
}
