package io.deem.mini.recipe;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.LatentDiffusion;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.List;
import java.util.Map;

/** Trains the UNet to draw scenes from what is in them. */
final class PriorTask implements TrainingTask {

  /** Share of scenes drawn from nothing, so that guidance has something to push away from. */
  private static final float HIDDEN = 0.1f;

  private final LatentDiffusion diffusion;
  private final GroundedCondition conditions;
  private final SceneBatches batches;
  private final Block mean;

  PriorTask(LatentDiffusion diffusion, GroundedCondition conditions, SceneBatches batches) {
    this.diffusion = diffusion;
    this.conditions = conditions;
    this.batches = batches;
    long[] latents = diffusion.latentShape(batches.shape());
    this.mean =
        Graph.block(
            "prior loss",
            g -> {
              Shape shape = Shape.of(Dim.symbol("batch"), latents[1], latents[2], latents[3]);
              Tensor error = g.input("error", shape);
              return List.of(error.mean());
            });
  }

  @Override
  public int itemsPerStep() {
    return batches.size();
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    SceneBatches.Batch batch = batches.batch(step);
    int count = batch.scenes().size();
    boolean[] hidden = new boolean[count];
    for (int i = 0; i < count; i++) {
      hidden[i] = random.uniform() < HIDDEN;
    }
    Value condition = conditions.forward(scope, batch.scenes(), hidden);
    Value images = scope.floats(batch.pixels(), batches.shape());
    long[] shape = diffusion.latentShape(batches.shape());
    LatentDiffusion.Draws draws =
        LatentDiffusion.Draws.draw(
            random, count, (int) (shape[0] * shape[1] * shape[2] * shape[3]), false);
    Value error = diffusion.errorMap(scope, images, LatentDiffusion.Condition.of(condition), draws);
    return new Losses(scope.run1(mean, error), Map.of());
  }
}
