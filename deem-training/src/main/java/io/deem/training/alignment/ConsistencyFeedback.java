package io.deem.training.alignment;

import io.deem.AlignmentPlan;
import io.deem.graph.Param;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.Freezing;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import io.deem.training.AdamW;
import io.deem.training.ParameterGroup;
import io.deem.training.TrainingTask;
import io.deem.weights.TensorSource;
import java.util.List;
import java.util.Map;

/** DEEM's consistency loss on the model's own encoder, resampler and projection. */
final class ConsistencyFeedback implements Feedback {

  private static final double LEARNING_RATE = 1e-4;

  private final DeemNetwork network;
  private final AlignmentPlan plan;
  private final ModelImages images;

  ConsistencyFeedback(DeemNetwork network, AlignmentPlan plan, ModelImages images) {
    this.network = network;
    this.plan = plan;
    this.images = images;
  }

  static double learningRate(AlignmentPlan plan) {
    return plan.learningRate() > 0 ? plan.learningRate() : LEARNING_RATE;
  }

  @Override
  public List<Phase> phases() {
    return List.of(
        new Phase(
            "consistency",
            plan.steps(),
            true,
            MovedParams.names(moved()),
            session ->
                new AdamW(
                    session,
                    AdamW.Config.STAGE_1,
                    List.of(new ParameterGroup("", learningRate(plan), 0.05)),
                    AdamW.decaying(Freezing::inLayerNorm)),
            new Task()));
  }

  @Override
  public TensorSource weights(TensorSource model) {
    return model;
  }

  @Override
  public List<Param> moved() {
    return MovedParams.eyes(network);
  }

  private final class Task implements TrainingTask {

    @Override
    public int itemsPerStep() {
      return plan.batchSize();
    }

    @Override
    public Losses losses(TrainingScope scope, long step, RandomSource random) {
      ModelImages.Batch batch = images.batch(scope, step);
      VisualTokenizer.Tokens seen = network.eyes().forward(scope, batch.seen(), null);
      Value loss = network.consistency(scope, batch.drawn(), seen, random);
      return new Losses(loss, Map.of("consistency", loss));
    }
  }
}
