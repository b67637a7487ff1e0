package io.deem.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import io.deem.weights.ElementType;
import io.deem.weights.SafetensorsFile;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Thousands of training steps leave nothing behind. */
class MemoryTest {

  private static final int STEPS = 2000;
  private static final int WARM_UP = 200;
  private static final int WIDTH = 32;
  private static final long PAGE = 4096;

  /** What may come and go: the heap of Java and the caches of allocators. */
  private static final long SLACK = 128L << 20;

  @TempDir Path folder;

  private final Block layer =
      Graph.block(
          "layer",
          g -> {
            Tensor x = g.input("x", Shape.of(Dim.symbol("batch"), WIDTH));
            Tensor y = LayerNorm.of("norm", WIDTH, 1e-5).apply(x);
            y = Linear.of("up", WIDTH, 4 * WIDTH).apply(y).gelu();
            return List.of(x.plus(Linear.of("down", 4 * WIDTH, WIDTH).apply(y)));
          });

  private final Block loss =
      Graph.block(
          "loss",
          g -> {
            Tensor x = g.input("x", Shape.of(Dim.symbol("batch"), WIDTH));
            return List.of(x.times(x).mean());
          });

  @Test
  void trainingLeavesNothingBehind() throws IOException {
    try (SafetensorsFile weights = SafetensorsFile.open(randomWeights());
        TorchSession session = new TorchEngine().open(weights)) {
      session.trainable(name -> true);
      train(session, WARM_UP);
      Held before = Held.now(session);
      train(session, STEPS);
      Held after = Held.now(session);
      assertEquals(before.arrays, after.arrays, "tensors of DJL");
      assertTrue(after.buffers <= before.buffers, before + " before, " + after + " after");
      assertTrue(after.bufferBytes <= before.bufferBytes, before + " before, " + after + " after");
    }
  }

  @Test
  void theProcessDoesNotGrow() throws IOException {
    assumeTrue(Files.exists(Path.of("/proc/self/statm")), "the resident size is read from /proc");
    try (SafetensorsFile weights = SafetensorsFile.open(randomWeights());
        TorchSession session = new TorchEngine().open(weights)) {
      session.trainable(name -> true);
      train(session, WARM_UP);
      long before = residentBytes();
      // Each step makes tensors of 128 KB: one of them kept would be 256 MB in the end.
      float[] values = new float[WIDTH * 1024];
      for (int step = 0; step < STEPS; step++) {
        step(session, values, step);
      }
      long growth = residentBytes() - before;
      assertTrue(growth < SLACK, growth + " bytes more");
    }
  }

  @Test
  void inferenceAndChildScopesLeaveNothingBehind() throws IOException {
    try (SafetensorsFile weights = SafetensorsFile.open(randomWeights());
        TorchSession session = new TorchEngine().open(weights)) {
      infer(session, WARM_UP);
      Held before = Held.now(session);
      infer(session, STEPS);
      Held after = Held.now(session);
      assertEquals(before.arrays, after.arrays, "tensors of DJL");
      assertTrue(after.buffers <= before.buffers, before + " before, " + after + " after");
    }
  }

  private void train(TorchSession session, int steps) {
    for (int step = 0; step < steps; step++) {
      step(session, new float[WIDTH * (1 + step % 4)], step);
    }
  }

  private void step(TorchSession session, float[] values, long seed) {
    Arrays.fill(values, (seed % 8) * 0.25f);
    session.clearGradients();
    try (TrainingScope scope = session.trainingScope()) {
      Value input = scope.leaf(values, values.length / WIDTH, WIDTH);
      Value y = scope.run1(layer, scope.run1(layer, input));
      scope.backward(scope.run1(loss, y));
      assertEquals(values.length / WIDTH, scope.gradient(input).shape()[0]);
      assertTrue(Float.isFinite(scope.gradient("up.weight").floats()[0]));
    }
  }

  private void infer(TorchSession session, int steps) {
    for (int step = 0; step < steps; step++) {
      try (TorchScope scope = session.scope()) {
        Value kept;
        try (TorchScope inner = scope.child()) {
          Value x = inner.floats(new float[WIDTH * 3], 3, WIDTH);
          kept = inner.keep(inner.run1(layer, x));
        }
        assertEquals(WIDTH * 3, kept.floats().length);
      }
    }
  }

  private Path randomWeights() throws IOException {
    Random random = new Random(1);
    List<Param> params = new ArrayList<>(layer.params());
    SafetensorsWriter writer = new SafetensorsWriter();
    for (Param param : params) {
      float[] values = new float[param.shape().size().value()];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextFloat() - 0.5f;
      }
      writer.floats(param.name(), ElementType.F32, param.shape().extents(), () -> values);
    }
    Path file = folder.resolve("model.safetensors");
    writer.write(file);
    return file;
  }

  private static long residentBytes() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ", -1)[1]) * PAGE;
  }

  private record Held(int arrays, long buffers, long bufferBytes) {

    static Held now(TorchSession session) {
      BufferPoolMXBean direct =
          ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
              .filter(pool -> pool.getName().equals("direct"))
              .findFirst()
              .orElseThrow();
      int arrays = session.engine().root().getManagedArrays().size();
      return new Held(arrays, direct.getCount(), direct.getMemoryUsed());
    }
  }
}
