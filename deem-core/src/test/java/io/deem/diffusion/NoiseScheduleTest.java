package io.deem.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.random.RandomSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NoiseScheduleTest {

  private static final NoiseSchedule SCHEDULE = NoiseSchedule.stableDiffusion();

  @Test
  void theConsistencyLossVisitsTheMiddle() {
    assertEquals(200, NoiseSchedule.consistencyTimestep(0));
    assertEquals(500, NoiseSchedule.consistencyTimestep(500));
    assertEquals(799, NoiseSchedule.consistencyTimestep(999));
    assertEquals(201, NoiseSchedule.consistencyTimestep(2));
  }

  @ParameterizedTest
  @EnumSource(PredictionType.class)
  void aPerfectNetworkGivesBackTheCleanLatentsAndTheNoise(PredictionType type) {
    RandomSource random = RandomSource.seeded(5);
    float[] clean = new float[32];
    float[] noise = new float[32];
    random.gaussian(clean);
    random.gaussian(noise);
    for (int t : new int[] {0, 300, 700}) {
      float[] noisy = SCHEDULE.addNoise(clean, noise, t);
      float[] output =
          switch (type) {
            case EPSILON -> noise;
            case V_PREDICTION -> SCHEDULE.velocity(clean, noise, t);
            case SAMPLE -> clean;
          };
      assertArrayEquals(clean, SCHEDULE.clean(type, output, noisy, t), 1e-4f);
      assertArrayEquals(noise, SCHEDULE.noise(type, output, noisy, t), 1e-3f);
    }
  }

  @Test
  void eachSampleHasItsOwnTimestep() {
    float[] together =
        SCHEDULE.addNoise(new float[] {1, 1, 1, 1}, new float[] {2, 2, 2, 2}, 10, 900);
    assertEquals(SCHEDULE.signalScale(10) + 2 * SCHEDULE.noiseScale(10), together[1], 1e-6f);
    assertEquals(SCHEDULE.signalScale(900) + 2 * SCHEDULE.noiseScale(900), together[2], 1e-6f);
    assertThrows(
        IllegalArgumentException.class, () -> SCHEDULE.addNoise(new float[3], new float[3], 1, 2));
    assertThrows(
        IllegalArgumentException.class, () -> SCHEDULE.addNoise(new float[3], new float[2], 1));
    assertThrows(
        IllegalArgumentException.class, () -> SCHEDULE.addNoise(new float[1], new float[1], 1000));
  }

  @ParameterizedTest
  @EnumSource(NoiseSchedule.Betas.class)
  void signalFalls(NoiseSchedule.Betas kind) {
    NoiseSchedule schedule = new NoiseSchedule(kind, 1e-4, 0.02, 100);
    float[] alphas = schedule.alphasCumprod();
    for (int t = 1; t < alphas.length; t++) {
      assertTrue(alphas[t] < alphas[t - 1] && alphas[t] > 0);
    }
    if (kind != NoiseSchedule.Betas.SQUARED_COSINE) {
      assertEquals(1e-4f, schedule.betas()[0], 1e-10f);
      assertEquals(0.02f, schedule.betas()[99], 1e-8f);
    }
  }

  @Test
  void tablesCannotBeChanged() {
    SCHEDULE.betas()[0] = 1;
    SCHEDULE.alphasCumprod()[0] = 1;
    assertEquals(0.00085f, SCHEDULE.betas()[0], 1e-9f);
    assertEquals(0.99915f, SCHEDULE.alphaCumprod(0), 1e-6f);
  }

  @Test
  void wrongArgumentsAreRefused() {
    NoiseSchedule.Betas kind = NoiseSchedule.Betas.LINEAR;
    assertThrows(IllegalArgumentException.class, () -> new NoiseSchedule(kind, 0, 0.1, 10));
    assertThrows(IllegalArgumentException.class, () -> new NoiseSchedule(kind, 0.1, 1, 10));
    assertThrows(IllegalArgumentException.class, () -> new NoiseSchedule(kind, 0.1, 0.2, 0));
    assertEquals(1, new NoiseSchedule(kind, 0.1, 0.2, 1).timesteps());
  }
}
