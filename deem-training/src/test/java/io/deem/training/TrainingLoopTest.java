package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Cancellation;
import io.deem.Progress;
import io.deem.ProgressListener;
import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.nn.Linear;
import io.deem.random.RandomSource;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingLoopTest {

  private static final Linear FIRST = Linear.of("first", 4, 8);
  private static final Linear SECOND = Linear.of("second", 8, 1);
  private static final List<Param> PARAMS =
      List.of(FIRST.weight(), FIRST.bias(), SECOND.weight(), SECOND.bias());

  @TempDir Path folder;

  /** Learns the sum of four random numbers. */
  private static class SumTask implements TrainingTask {

    private final Block loss =
        Graph.block(
            "loss",
            g -> {
              Tensor x = g.input("x", Shape.of(16, 4));
              Tensor wanted = x.sum(true, 1);
              Tensor error = SECOND.apply(FIRST.apply(x).tanh()).minus(wanted);
              return List.of(error.times(error).mean());
            });

    @Override
    public Losses losses(TrainingScope scope, long step, RandomSource random) {
      float[] x = new float[64];
      random.gaussian(x);
      Value value = scope.run1(loss, scope.floats(x, 16, 4));
      return new Losses(value, Map.of("squared", value));
    }

    @Override
    public int itemsPerStep() {
      return 16;
    }
  }

  private float[] train(long steps, String recipe, ProgressListener listener, Cancellation stop)
      throws IOException {
    try (TorchSession session = new TorchEngine().open(new InitialWeights(PARAMS, 7));
        AdamW optimizer =
            new AdamW(
                session,
                AdamW.Config.DEFAULT,
                List.of(new ParameterGroup("", 1e-2, 0.01)),
                Set.of())) {
      session.trainable(name -> true);
      TrainingLoop.Plan plan =
          new TrainingLoop.Plan(
              "test", recipe, steps, 3, new LearningRateSchedule(5, 40, 0.1), folder, 10);
      new TrainingLoop(session, optimizer, plan).run(new SumTask(), listener, stop);
      return session.param("first.weight").floats();
    }
  }

  @Test
  void learns() throws IOException {
    List<Progress> seen = new ArrayList<>();
    train(40, "a", seen::add, new Cancellation());
    assertEquals(40, seen.size());
    double first = seen.get(0).metrics().get("loss");
    double last = seen.get(39).metrics().get("loss");
    assertTrue(last < 0.7 * first, first + " then " + last);
  }

  @Test
  void aRunThatIsCancelledAndResumedEndsWithTheSameBits() throws IOException {
    float[] whole = train(40, "a", ProgressListener.NONE, new Cancellation());
    for (Path checkpoint : list()) {
      deleteTree(checkpoint);
    }
    Cancellation stop = new Cancellation();
    assertThrows(
        CancellationException.class,
        () ->
            train(
                40,
                "a",
                progress -> {
                  if (progress.step() == 17) {
                    stop.cancel();
                  }
                },
                stop));
    assertTrue(Files.exists(folder.resolve("step-00000017")), "saved where it was stopped");
    float[] resumed = train(40, "a", ProgressListener.NONE, new Cancellation());
    assertArrayEquals(whole, resumed);
  }

  /** Learns with a scale that takes part in every fifth step only. */
  private static final class RareTask implements TrainingTask {

    private static final Param RARE = Param.of("rare", 4);

    private static Block loss(boolean rare) {
      return Graph.block(
          "loss",
          g -> {
            Tensor x = g.input("x", Shape.of(16, 4));
            Tensor error = FIRST.apply(rare ? x.times(g.param(RARE)) : x).minus(1.0);
            return List.of(error.times(error).mean());
          });
    }

    private final Block often = loss(false);
    private final Block rarely = loss(true);

    @Override
    public Losses losses(TrainingScope scope, long step, RandomSource random) {
      float[] x = new float[64];
      random.gaussian(x);
      Block block = step % 5 == 0 ? rarely : often;
      return new Losses(scope.run1(block, scope.floats(x, 16, 4)), Map.of());
    }

    @Override
    public int itemsPerStep() {
      return 16;
    }
  }

  private float[] trainRarely(Path place, long steps) throws IOException {
    List<Param> params = List.of(FIRST.weight(), FIRST.bias(), RareTask.RARE);
    try (TorchSession session = new TorchEngine().open(new InitialWeights(params, 7));
        AdamW optimizer =
            new AdamW(
                session,
                AdamW.Config.DEFAULT,
                List.of(new ParameterGroup("", 1e-2, 0.01)),
                Set.of())) {
      session.trainable(name -> true);
      params.forEach(session::load);
      TrainingLoop.Plan plan =
          new TrainingLoop.Plan(
              "test", "rare", 20, 3, new LearningRateSchedule(5, 40, 0.1), place, 1);
      Cancellation stop = new Cancellation();
      ProgressListener stopping =
          progress -> {
            if (progress.step() == steps) {
              stop.cancel();
            }
          };
      try {
        new TrainingLoop(session, optimizer, plan).run(new RareTask(), stopping, stop);
      } catch (CancellationException e) {
        return session.param("rare").floats();
      }
      return session.param("rare").floats();
    }
  }

  @Test
  void momentumOfWhatLearnsRarelyIsNotLost() throws IOException {
    float[] whole = trainRarely(folder.resolve("whole"), 100);
    trainRarely(folder.resolve("stopped"), 12);
    assertArrayEquals(whole, trainRarely(folder.resolve("stopped"), 100));
  }

  @Test
  void anUnfinishedCheckpointIsIgnored() throws IOException {
    float[] whole = train(40, "a", ProgressListener.NONE, new Cancellation());
    deleteTree(folder.resolve("step-00000040"));
    Files.createDirectory(folder.resolve("step-00000040.unfinished"));
    float[] resumed = train(40, "a", ProgressListener.NONE, new Cancellation());
    assertArrayEquals(whole, resumed);
    assertFalse(Files.exists(folder.resolve("step-00000040.unfinished")));
  }

  @Test
  void aCheckpointOfAnotherRecipeIsRefused() throws IOException {
    train(10, "a", ProgressListener.NONE, new Cancellation());
    IOException refused =
        assertThrows(
            IOException.class, () -> train(20, "b", ProgressListener.NONE, new Cancellation()));
    assertTrue(refused.getMessage().contains("made by another recipe: a, now b"));
  }

  @Test
  void onlyTheNewestCheckpointsStay() throws IOException {
    train(40, "a", ProgressListener.NONE, new Cancellation());
    assertEquals(
        List.of("step-00000030", "step-00000040"),
        list().stream().map(path -> path.getFileName().toString()).toList());
  }

  private List<Path> list() throws IOException {
    try (var files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static void deleteTree(Path tree) throws IOException {
    try (var files = Files.walk(tree)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
