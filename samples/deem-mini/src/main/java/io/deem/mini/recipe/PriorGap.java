package io.deem.mini.recipe;

import io.deem.graph.Value;
import io.deem.mini.Scene;
import io.deem.model.LatentDiffusion;
import io.deem.random.RandomSource;
import io.deem.torch.TorchScope;
import io.deem.torch.TorchSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Whether a denoiser listens: its error when it is told the truth, nothing, or the truth about
 * another scene, by timestep. If the three agree, its feedback is worth nothing.
 */
final class PriorGap {

  private static final int[] TIMESTEPS = {200, 350, 500, 650, 800};

  private PriorGap() {}

  /** One line for each timestep. */
  static List<String> measure(
      TorchSession session,
      LatentDiffusion diffusion,
      GroundedCondition conditions,
      SceneBatches batches) {
    List<String> lines = new ArrayList<>();
    for (int timestep : TIMESTEPS) {
      try (TorchScope scope = session.scope()) {
        SceneBatches.Batch batch = batches.batch(0);
        List<Scene> scenes = batch.scenes();
        List<Scene> others = new ArrayList<>(scenes.subList(1, scenes.size()));
        others.add(scenes.get(0));
        boolean[] told = new boolean[scenes.size()];
        boolean[] untold = new boolean[scenes.size()];
        Arrays.fill(untold, true);
        Value images = scope.floats(batch.pixels(), batches.shape());
        lines.add(
            String.format(
                Locale.ROOT,
                "t=%d right %.3f empty %.3f shuffled %.3f",
                timestep,
                error(scope, diffusion, images, conditions.forward(scope, scenes, told), timestep),
                error(
                    scope, diffusion, images, conditions.forward(scope, scenes, untold), timestep),
                error(
                    scope, diffusion, images, conditions.forward(scope, others, told), timestep)));
      }
    }
    return lines;
  }

  private static double error(
      TorchScope scope, LatentDiffusion diffusion, Value images, Value condition, int timestep) {
    long[] shape = diffusion.latentShape(images.shape());
    int latents = (int) (shape[0] * shape[1] * shape[2] * shape[3]);
    LatentDiffusion.Draws draws =
        LatentDiffusion.Draws.draw(RandomSource.seeded(timestep), (int) shape[0], latents, false);
    Arrays.fill(draws.timesteps(), timestep);
    float[] errors =
        diffusion.errorMap(scope, images, LatentDiffusion.Condition.of(condition), draws).floats();
    double sum = 0;
    for (float error : errors) {
      sum += error;
    }
    return sum / errors.length;
  }
}
