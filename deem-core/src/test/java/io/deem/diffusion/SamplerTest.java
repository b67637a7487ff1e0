package io.deem.diffusion;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.deem.random.RandomSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Properties of the samplers; their numbers are checked against the schedulers fixture. */
class SamplerTest {

  private static final NoiseSchedule SCHEDULE = NoiseSchedule.stableDiffusion();

  static List<Arguments> methodsAndSpacings() {
    List<Arguments> all = new ArrayList<>();
    for (SamplingMethod method : SamplingMethod.values()) {
      for (TimestepSpacing spacing : TimestepSpacing.values()) {
        all.add(Arguments.of(method, spacing));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("methodsAndSpacings")
  void timestepsFallWithinTraining(SamplingMethod method, TimestepSpacing spacing) {
    for (int steps : new int[] {1, 2, 3, 7, 14, 49, 333, 500}) {
      Sampler sampler =
          SamplerConfig.builder(method).timestepSpacing(spacing).steps(steps).build().sampler();
      float[] timesteps = sampler.timesteps();
      for (int i = 0; i < timesteps.length; i++) {
        assertTrue(timesteps[i] >= 0 && timesteps[i] <= 999, method + " " + spacing + " " + steps);
        boolean repeated = method == SamplingMethod.PNDM && i == 2;
        assertTrue(i == 0 || repeated || timesteps[i] < timesteps[i - 1]);
      }
      int expected = steps + (method == SamplingMethod.PNDM && steps > 1 ? 1 : 0);
      assertEquals(expected, timesteps.length, method + " " + spacing + " " + steps);
    }
  }

  /**
   * Where all pictures are one picture, the best network is known and every method must find it.
   */
  @ParameterizedTest
  @EnumSource(SamplingMethod.class)
  void aPerfectNetworkLeadsToThePicture(SamplingMethod method) {
    for (PredictionType type :
        new PredictionType[] {PredictionType.EPSILON, PredictionType.V_PREDICTION}) {
      float[] picture = {0.5f, -1.25f, 2f, 0f};
      Sampler sampler =
          SamplerConfig.builder(method).predictionType(type).steps(40).build().sampler();
      RandomSource random = RandomSource.seeded(3);
      float[] x = new float[picture.length];
      random.gaussian(x);
      for (int k = 0; k < x.length; k++) {
        x[k] *= sampler.initNoiseSigma();
      }
      for (int i = 0; i < sampler.size(); i++) {
        int t = Math.round(sampler.timestep(i));
        float[] noisy = sampler.scaleModelInput(x, i);
        float[] noise = SCHEDULE.noise(PredictionType.SAMPLE, picture, noisy, t);
        float[] output =
            type == PredictionType.EPSILON ? noise : SCHEDULE.velocity(picture, noise, t);
        x = sampler.step(output, i, x, random);
      }
      // Some methods end at the little noise of the first time step.
      assertArrayEquals(picture, x, 0.1f, method + " " + type);
    }
  }

  @ParameterizedTest
  @EnumSource(SamplingMethod.class)
  void stepsMustBeMadeInOrderAndLeaveTheirInputAlone(SamplingMethod method) {
    Sampler sampler = SamplerConfig.builder(method).steps(5).build().sampler();
    RandomSource random = RandomSource.seeded(1);
    float[] x = {1, 2};
    float[] output = {3, 4};
    assertThrows(IllegalStateException.class, () -> sampler.step(output, 1, x, random));
    sampler.step(output, 0, x, random);
    assertThrows(IllegalStateException.class, () -> sampler.step(output, 0, x, random));
    assertThrows(IllegalArgumentException.class, () -> sampler.step(new float[1], 1, x, random));
    sampler.step(output, 1, x, random);
    assertArrayEquals(new float[] {1, 2}, x);
    assertArrayEquals(new float[] {3, 4}, output);
  }

  @Test
  void onlyMethodsThatNeedNoiseDrawIt() {
    assertEquals(4, draws(SamplerConfig.builder(SamplingMethod.DDPM).stepsOffset(0)));
    assertEquals(5, draws(SamplerConfig.builder(SamplingMethod.DDPM)));
    assertEquals(0, draws(SamplerConfig.builder(SamplingMethod.DDIM)));
    assertEquals(5, draws(SamplerConfig.builder(SamplingMethod.DDIM).eta(0.1f)));
    assertEquals(0, draws(SamplerConfig.builder(SamplingMethod.DPM_SOLVER)));
    assertEquals(0, draws(SamplerConfig.builder(SamplingMethod.EULER)));
    assertEquals(0, draws(SamplerConfig.builder(SamplingMethod.PNDM)));
  }

  private static int draws(SamplerConfig.Builder builder) {
    Sampler sampler = builder.steps(5).build().sampler();
    int[] draws = new int[1];
    for (int i = 0; i < sampler.size(); i++) {
      sampler.step(new float[2], i, new float[2], out -> draws[0]++);
    }
    return draws[0];
  }

  @Test
  void wrongConfigurationsAreRefused() {
    assertRefused("steps", SamplerConfig.builder(SamplingMethod.DDIM).steps(0));
    assertRefused("steps", SamplerConfig.builder(SamplingMethod.DDIM).steps(1001));
    assertRefused("eta", SamplerConfig.builder(SamplingMethod.DDIM).eta(-1));
    assertRefused("solverOrder", SamplerConfig.builder(SamplingMethod.DPM_SOLVER).solverOrder(4));
    assertRefused("stepsOffset", SamplerConfig.builder(SamplingMethod.DDIM).stepsOffset(-1));
    assertRefused("clipRange", SamplerConfig.builder(SamplingMethod.DDIM).clipRange(0));
    assertRefused(
        "4 steps", SamplerConfig.builder(SamplingMethod.PNDM).skipRungeKutta(false).steps(3));
    SamplerConfig beyond = SamplerConfig.builder(SamplingMethod.DDIM).steps(1000).build();
    assertThrows(IllegalArgumentException.class, beyond::sampler);
  }

  private static void assertRefused(String named, SamplerConfig.Builder builder) {
    IllegalArgumentException failure = assertThrows(IllegalArgumentException.class, builder::build);
    assertTrue(failure.getMessage().contains(named), failure.getMessage());
  }
}
