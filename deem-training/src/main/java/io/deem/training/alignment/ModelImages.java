package io.deem.training.alignment;

import io.deem.AlignmentPlan;
import io.deem.graph.Scope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;

/** Batches as a model's encoder and image decoder take them. */
final class ModelImages {

  /**
   * A batch.
   *
   * @param seen for the encoder, [batch, 3, size, size] from 0 to 1
   * @param drawn the same images for the image decoder
   */
  record Batch(Value seen, Value drawn) {}

  private final DeemNetwork network;
  private final AlignmentPlan plan;
  private final AlignmentImages images;

  ModelImages(DeemNetwork network, AlignmentPlan plan, AlignmentImages images) {
    this.network = network;
    this.plan = plan;
    this.images = images;
  }

  /** The batch of a step, counted from 0. */
  Batch batch(Scope scope, long step) {
    int seen = network.config().imageSize();
    int drawn = network.config().drawnSize();
    AlignmentImages.Batch batch = images.batch(step, plan.batchSize(), seen, drawn);
    return new Batch(
        scope.floats(batch.seen(), plan.batchSize(), 3, seen, seen),
        scope.floats(batch.drawn(), plan.batchSize(), 3, drawn, drawn));
  }

  /** How many numbers the latents of a batch have. */
  int latents() {
    int side = network.config().drawnSize();
    long elements = 1;
    for (long extent :
        network.diffusion().latentShape(new long[] {plan.batchSize(), 3, side, side})) {
      elements = Math.multiplyExact(elements, extent);
    }
    return Math.toIntExact(elements);
  }
}
