package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.Cancellation;
import io.deem.ProgressListener;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.DeemConfig;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.verify.CompleteModel;
import io.deem.verify.Fixture;
import io.deem.weights.TensorSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Two trainings of the whole model from one seed give the same bits: all three losses, conditions
 * dropped, a region, clipped steps; in one process and in two.
 */
class SameSeedTest {

  private static final Path MODEL = Path.of("src/test/resources/fixtures/deem_full");
  private static final int STEPS = 3;

  /** With which the image decoder loses the condition of an image. */
  private static final long SEED = 2;

  /** The whole model's step, on one batch. */
  private static final class WholeModel implements TrainingTask {

    private final DeemNetwork network;
    private final InterleavedBatch batch;
    private final TensorSource io;
    private final boolean[] dropped = new boolean[1];

    WholeModel(Fixture fixture) {
      DeemConfig config = CompleteModel.of(fixture.config(), fixture.weights());
      network = new DeemNetwork(config);
      io = fixture.io();
      batch = CompleteModel.batch(config.special(), io, "text_ids", "attention_mask");
    }

    @Override
    public Losses losses(TrainingScope scope, long step, RandomSource random) {
      long[] shape = io.info("image_tensors").shape();
      int area = (int) (shape[2] * shape[3]);
      float[] regions = new float[(int) shape[0] * area];
      for (int i = 0; i < regions.length; i++) {
        regions[i] = i < area && i % 3 == 0 ? 0 : 1; // the first image with holes
      }
      DeemNetwork.Example example =
          new DeemNetwork.Example(
              batch,
              scope.floats(io.floats("image_tensors"), shape),
              scope.floats(io.floats("image_tensors_dec"), io.info("image_tensors_dec").shape()),
              scope.floats(regions, shape[0], 1, shape[2], shape[3]),
              batch.textTargets(null, false),
              null);
      DeemNetwork.Losses losses =
          network.losses(
              scope, example, DeemNetwork.LossWeights.PAPER, new Watched(random, dropped));
      Map<String, Value> parts =
          Map.of(
              "text", losses.text(), "image", losses.image(), "consistency", losses.consistency());
      return new Losses(losses.total(), parts);
    }

    @Override
    public int itemsPerStep() {
      return batch.rows();
    }
  }

  /** Trains, and returns a digest of every loss and every bit of every weight. */
  private static String train(long seed) throws IOException {
    MessageDigest digest = sha256();
    try (Fixture fixture = Fixture.open(MODEL);
        TorchSession session = new TorchEngine().open(fixture.weights());
        AdamW optimizer =
            new AdamW(
                session,
                AdamW.Config.STAGE_1,
                List.of(new ParameterGroup("", 1e-3, 0.05)),
                AdamW.decaying(Freezing::inLayerNorm))) {
      session.trainable(Freezing.PRETRAINING);
      TrainingLoop.Plan plan =
          new TrainingLoop.Plan(
              "test", "a", STEPS, seed, new LearningRateSchedule(1, STEPS, 0.1), null, STEPS);
      ProgressListener losses =
          progress ->
              digest.update(
                  new TreeMap<>(progress.metrics()).toString().getBytes(StandardCharsets.UTF_8));
      WholeModel task = new WholeModel(fixture);
      new TrainingLoop(session, optimizer, plan).run(task, losses, new Cancellation());
      assertTrue(task.dropped[0] || seed != SEED, "no condition is dropped");
      for (String name : session.params()) {
        float[] values = session.param(name).floats();
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
        bytes.asFloatBuffer().put(values);
        digest.update(bytes);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** For the second process: prints the digest of a seed. */
  public static void main(String[] arguments) throws IOException {
    System.out.println(train(Long.parseLong(arguments[0])));
  }

  @Test
  void theSameSeedGivesTheSameBits() throws IOException, InterruptedException {
    String once = train(SEED);
    assertEquals(once, train(SEED), "in one process");
    assertNotEquals(once, train(SEED + 1), "another seed");
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                SameSeedTest.class.getName(),
                Long.toString(SEED))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String printed = new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, other.waitFor(), printed);
    assertEquals(once, printed.lines().reduce("", (before, line) -> line), "in two processes");
  }

  /** Sees a draw below the probability with which conditions are dropped. */
  private record Watched(RandomSource random, boolean[] dropped) implements RandomSource {
    @Override
    public float uniform() {
      float draw = random.uniform();
      dropped[0] |= draw < 0.1f;
      return draw;
    }

    @Override
    public int uniformInt(int bound) {
      return random.uniformInt(bound);
    }

    @Override
    public void gaussian(float[] out) {
      random.gaussian(out);
    }

    @Override
    public long[] state() {
      return random.state();
    }

    @Override
    public void restore(long[] state) {
      random.restore(state);
    }
  }
}
