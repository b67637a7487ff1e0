package io.deem.mini.recipe;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.mini.Scene;
import io.deem.model.DeemNetwork;
import io.deem.model.LatentDiffusion;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The losses of an arm. What arms share draws the same random numbers in all of them. */
final class ArmTask implements TrainingTask {

  private static final int NOISIEST = 999;
  private static final double IMAGE_WEIGHT = 5;

  private final AblationModel model;
  private final DeemNetwork network;
  private final Arm arm;
  private final Lessons lessons;
  private final Labels labels;
  private final Session frozen;
  private final Block nouns;
  private final Block meanError;
  private final Block squaredError;
  private final Block sum;

  /**
   * The task of an arm.
   *
   * @param frozen has the autoencoder, for latents
   */
  ArmTask(AblationModel model, Arm arm, Lessons lessons, Labels labels, Session frozen) {
    this.model = model;
    this.network = model.network();
    this.arm = arm;
    this.lessons = lessons;
    this.labels = labels;
    this.frozen = frozen;
    this.nouns = NounTask.block(labels);
    long[] latents = network.diffusion().latentShape(SceneBatches.shape(1));
    Shape shape = Shape.of(Dim.symbol("batch"), latents[1], latents[2], latents[3]);
    this.meanError = Graph.block("mean error", g -> List.of(g.input("error", shape).mean()));
    this.squaredError =
        Graph.block(
            "squared error",
            g -> {
              Tensor difference = g.input("drawn", shape).minus(g.input("latents", shape));
              return List.of(difference.times(difference).mean());
            });
    this.sum = Graph.block("arm loss", this::sum);
  }

  @Override
  public int itemsPerStep() {
    return lessons.batch();
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    Lessons.Lesson lesson = lessons.lesson(step);
    DeemNetwork.Step forward = forward(scope, lesson, random);
    Map<String, Value> parts = new LinkedHashMap<>();
    List<Value> terms = new ArrayList<>(List.of(forward.losses().total()));
    parts.put("text", forward.losses().text());
    if (lesson.draws()) {
      parts.put("image", forward.losses().image());
    }
    if (arm.feedback() != Arm.Feedback.NONE) {
      Value feedback = feedback(scope, step, forward.seen(), random);
      terms.add(feedback);
      parts.put("feedback", feedback);
    }
    if (arm.nouns()) {
      CellTruth truth = CellTruth.of(lesson.scenes(), labels);
      terms.add(NounTask.losses(scope, nouns, forward.seen(), truth).get(0));
      parts.put("nouns", terms.get(terms.size() - 1));
    }
    return new Losses(scope.run(sum, terms).get(0), parts);
  }

  /** The losses on text, and on the next image where there is one. */
  DeemNetwork.Step forward(TrainingScope scope, Lessons.Lesson lesson, RandomSource random) {
    int count = lesson.scenes().size();
    Value images = scope.floats(SceneBatches.pixels(lesson.scenes()), SceneBatches.shape(count));
    DeemNetwork.LossWeights weights =
        new DeemNetwork.LossWeights(1, lesson.draws() ? IMAGE_WEIGHT : 0, 0);
    return network.step(
        scope,
        new DeemNetwork.Example(lesson.text(), images, images, lesson.targets(), lesson.drawn()),
        new DeemNetwork.Options(weights, false),
        random);
  }

  /** How badly the visual tokens draw what the arm wants them to draw. */
  Value feedback(
      TrainingScope scope, long step, VisualTokenizer.Tokens ofLesson, RandomSource random) {
    boolean unlabelled = arm.feedback() == Arm.Feedback.TARGET;
    VisualTokenizer.Tokens seen = unlabelled ? unlabelled(scope, step) : ofLesson;
    LatentDiffusion diffusion = network.diffusion();
    float[] latents = lessons.latents(frozen, diffusion, step, unlabelled);
    int count = Math.toIntExact(seen.condition().shape()[0]);
    long[] shape = diffusion.latentShape(SceneBatches.shape(count));
    if (arm.feedback() == Arm.Feedback.SHUFFLED) {
      latents = turned(latents);
    }
    LatentDiffusion.Condition condition =
        new LatentDiffusion.Condition(
            seen.condition(), arm.maps() ? seen.maskedMaps() : null, null);
    Value wanted = scope.floats(latents, shape);
    if (arm.feedback() == Arm.Feedback.DECODER) {
      long[] steps = new long[count];
      Arrays.fill(steps, NOISIEST);
      Value nothing = scope.floats(new float[latents.length], shape);
      Value drawn = model.auxiliary().predict(scope, nothing, scope.longs(steps, count), condition);
      return scope.run1(squaredError, drawn, wanted);
    }
    LatentDiffusion.Draws draws = LatentDiffusion.Draws.draw(random, count, latents.length, false);
    int range = arm.to() - arm.from();
    for (int i = 0; i < count; i++) {
      draws.timesteps()[i] = arm.from() + draws.timesteps()[i] * range / (NOISIEST + 1);
    }
    return scope.run1(meanError, diffusion.denoisingError(scope, wanted, condition, draws));
  }

  private VisualTokenizer.Tokens unlabelled(TrainingScope scope, long step) {
    List<Scene> pictures = lessons.unlabelled(step);
    Value images = scope.floats(SceneBatches.pixels(pictures), SceneBatches.shape(pictures.size()));
    return network.eyes().forward(scope, images, null);
  }

  /** Gives each picture the latents of the one half a batch further, never of its own scene. */
  private static float[] turned(float[] latents) {
    float[] result = new float[latents.length];
    int half = latents.length / 2;
    System.arraycopy(latents, half, result, 0, half);
    System.arraycopy(latents, 0, result, half, half);
    return result;
  }

  private List<Tensor> sum(Graph g) {
    Tensor total = g.input("losses", Shape.of());
    if (arm.feedback() != Arm.Feedback.NONE) {
      total = total.plus(g.input("feedback", Shape.of()).times(arm.weight()));
    }
    return List.of(arm.nouns() ? total.plus(g.input("nouns", Shape.of())) : total);
  }
}
