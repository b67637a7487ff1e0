package io.deem.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.graph.Scope;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.VisualTokenizer.RegionPlace;
import io.deem.random.RandomSource;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.training.TestTimeAdaptation.Config;
import io.deem.training.TestTimeAdaptation.Images;
import io.deem.training.TestTimeAdaptation.Step;
import io.deem.training.TestTimeAdaptation.StepListener;
import io.deem.verify.CompleteModel;
import io.deem.verify.Fixture;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What adaptation leaves behind: nothing. Its numbers are checked against the reference's. */
class TestTimeAdaptationTest {

  private static final String CHANGED = "visual_tokenizer.proj_i.weight";

  private Fixture fixture;
  private TorchSession session;
  private DeemNetwork network;
  private TestTimeAdaptation adaptation;

  @BeforeEach
  void open() throws Exception {
    fixture = Fixture.open(Path.of(getClass().getResource("/fixtures/deem_full").toURI()));
    session = new TorchEngine().open(fixture.weights());
    network = new DeemNetwork(CompleteModel.of(fixture.config(), fixture.weights()));
    adaptation =
        new TestTimeAdaptation(
            session,
            network.eyes(),
            network.diffusion(),
            Freezing.PRETRAINING,
            new Config(2, 2, 1e-3, RegionPlace.AFTER_POSITIONS));
  }

  @AfterEach
  void close() {
    session.close();
    fixture.close();
  }

  private Images images() {
    float[] pixels = new float[3 * 64 * 64];
    RandomSource.seeded(3).uniform(pixels);
    float[] everywhere = new float[64 * 64];
    Arrays.fill(everywhere, 1);
    return new Images(pixels, pixels, everywhere, 1, 64);
  }

  private void assertRestored() {
    for (String name : session.params()) {
      assertArrayEquals(fixture.weights().floats(name), session.param(name).floats(), name);
    }
  }

  @Test
  void whenAStepFailsEveryParameterIsRestored() {
    boolean[] changed = new boolean[1];
    StepListener failing =
        new StepListener() {
          @Override
          public void afterUpdate(Step step) {
            float[] now = session.param(CHANGED).floats();
            changed[0] = !Arrays.equals(fixture.weights().floats(CHANGED), now);
            throw new CancellationException("enough");
          }
        };
    Predicate<String> before = name -> name.equals("soi_token");
    session.trainable(before);
    try (Scope scope = session.scope()) {
      assertThrows(
          CancellationException.class,
          () -> adaptation.tokens(scope, images(), RandomSource.seeded(1), failing));
    }
    assertTrue(changed[0]);
    assertRestored();
    assertEquals(before, session.trainableNames());
  }

  @Test
  void aSecondAdaptationKnowsNothingOfTheFirst() {
    try (Scope scope = session.scope()) {
      float[] first = adapted(scope);
      float[] second = adapted(scope);
      assertArrayEquals(first, second);
      float[] plain =
          network
              .eyes()
              .forward(scope, scope.floats(images().pixels(), 1, 3, 64, 64), null)
              .tokens()
              .floats();
      assertFalse(Arrays.equals(plain, first));
    }
    assertRestored();
  }

  private float[] adapted(Scope scope) {
    return adaptation
        .tokens(scope, images(), RandomSource.seeded(1), StepListener.NONE)
        .tokens()
        .floats();
  }

  @Test
  void samplesMustDivideTheTimesteps() {
    List<Integer> wrong = List.of(0, 9, -1);
    for (int samples : wrong) {
      IllegalArgumentException refused =
          assertThrows(
              IllegalArgumentException.class,
              () -> new Config(5, samples, 4e-6, RegionPlace.AFTER_POSITIONS));
      assertTrue(refused.getMessage().contains(Integer.toString(samples)), refused.getMessage());
    }
  }
}
