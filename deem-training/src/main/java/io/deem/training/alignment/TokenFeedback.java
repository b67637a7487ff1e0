package io.deem.training.alignment;

import io.deem.AlignmentPlan;
import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.model.DeemNetwork;
import io.deem.model.DivaFeedback;
import io.deem.nn.Linear;
import io.deem.random.RandomSource;
import io.deem.training.AdamW;
import io.deem.training.GradientDescent;
import io.deem.training.InitialWeights;
import io.deem.training.ParameterGroup;
import io.deem.training.TrainingTask;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * DIVA's scheme on a DEEM: the class token and a random half of the local tokens are the condition
 * of the model's own frozen UNet, in place of the resampler's tokens, and are added to the mean of
 * the condition that says nothing. Each step has DIVA's two inner repetitions.
 *
 * <p>DIVA trains encoder and projection together for thousands of steps. Here the projection, which
 * starts from random numbers, first learns alone for a quarter of the steps, so that a short run
 * does not teach the encoder from a condition that means nothing yet.
 */
final class TokenFeedback implements Feedback {

  /** DIVA's own is 1e-4, for a CLIP ViT-L and 4,600 steps. */
  private static final double LEARNING_RATE = 1e-3;

  private static final double PROJECTION_RATE = 1e-3;
  private static final int REPETITIONS = 2;
  private static final String PROJECTION = "alignment.visual_proj";

  private final DeemNetwork network;
  private final AlignmentPlan plan;
  private final ModelImages images;
  private final LocalTokens tokens;
  private final Linear projection;
  private final DivaFeedback diva;
  private final Block sum;

  TokenFeedback(DeemNetwork network, AlignmentPlan plan, ModelImages images) {
    this.network = network;
    this.plan = plan;
    this.images = images;
    this.tokens = new LocalTokens(network);
    this.projection =
        Linear.of(PROJECTION, tokens.width(), network.config().contextResampler().width());
    this.diva =
        new DivaFeedback(network.diffusion(), projection, DivaFeedback.Scheme.CLASS_AND_HALF);
    this.sum = Graph.block("sum of repetitions", TokenFeedback::sum);
  }

  static double learningRate(AlignmentPlan plan) {
    return plan.learningRate() > 0 ? plan.learningRate() : LEARNING_RATE;
  }

  @Override
  public List<Phase> phases() {
    Predicate<String> alone = name -> name.startsWith(PROJECTION);
    int first = Math.min(plan.steps() - 1, Math.max(1, plan.steps() / 4));
    List<Phase> phases = new ArrayList<>();
    if (first > 0) {
      phases.add(
          new Phase(
              "projection",
              first,
              false,
              alone,
              session ->
                  new AdamW(
                      session,
                      AdamW.Config.DEFAULT,
                      List.of(new ParameterGroup("", PROJECTION_RATE, 0)),
                      name -> false),
              new Task(0)));
    }
    phases.add(
        new Phase(
            "tokens",
            plan.steps() - first,
            true,
            alone.or(MovedParams.names(moved())),
            session ->
                new GradientDescent(
                    session, new GradientDescent.Config(learningRate(plan), 0.9, 0)),
            new Task(first)));
    return phases;
  }

  @Override
  public TensorSource weights(TensorSource model) {
    InitialWeights fresh =
        new InitialWeights(List.of(projection.weight(), projection.bias()), plan.seed());
    OverlaidTensors all = new OverlaidTensors(model, fresh.origin());
    for (String name : fresh.names()) {
      all.with(name, fresh.info(name).shape(), () -> fresh.floats(name));
    }
    return all;
  }

  @Override
  public List<Param> moved() {
    return MovedParams.encoder(network);
  }

  private final class Task implements TrainingTask {

    /** Steps of earlier phases, so that batches go on. */
    private final int before;

    Task(int before) {
      this.before = before;
    }

    @Override
    public int itemsPerStep() {
      return plan.batchSize();
    }

    @Override
    public Losses losses(TrainingScope scope, long step, RandomSource random) {
      ModelImages.Batch batch = images.batch(scope, before + step);
      int elements = images.latents();
      Value latents = network.diffusion().encode(scope, batch.drawn(), new float[elements]);
      Value seen = tokens.all(scope, network.eyes().forward(scope, batch.seen(), null));
      int queries = network.config().contextResampler().queries();
      int width = network.config().contextResampler().width();
      Value nothing =
          network
              .context()
              .negative(scope, scope.floats(new float[queries * width], 1, queries, width));
      int locals = Math.toIntExact(seen.shape()[1] - 1);
      List<Value> losses = new ArrayList<>();
      for (int i = 0; i < REPETITIONS; i++) {
        DivaFeedback.Draws draws = diva.draw(random, plan.batchSize(), elements, locals, queries);
        losses.add(diva.step(scope, seen, latents, nothing, draws).loss());
      }
      // DIVA backpropagates one after the other; gradients add up, so this is the same.
      return new Losses(scope.run(sum, losses).get(0), Map.of("denoising", losses.get(1)));
    }
  }

  private static List<Tensor> sum(Graph g) {
    return List.of(g.input("first", Shape.of()).plus(g.input("second", Shape.of())));
  }
}
