package io.deem.mini.recipe;

import com.google.gson.JsonObject;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.mini.Scene;
import io.deem.model.DeemNetwork;
import io.deem.random.RandomSource;
import io.deem.torch.TorchSession;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How much the feedback moves what sees: the length of its gradient beside that of the text loss,
 * both as they count in the total, and the angle between them, for the encoder and for the
 * resampler.
 */
final class GradientProbe {

  /** Steps whose lessons are probed, none of them with images to be predicted. */
  private static final long[] STEPS = {0, 1, 2};

  private static final Map<String, List<String>> PARTS =
      Map.of(
          "encoder",
          List.of(AblationModel.ENCODER),
          "resampler",
          List.of("visual_tokenizer.perceiver_resampler.", "visual_tokenizer.pos"));

  private final AblationModel model;
  private final Lessons lessons;
  private final Labels labels;

  GradientProbe(AblationModel model, Lessons lessons, Labels labels) {
    this.model = model;
    this.lessons = lessons;
    this.labels = labels;
  }

  /**
   * Measures an arm's feedback, or DEEM's where it has none. What learns is left as it was.
   *
   * @return for each part {@code text}, {@code feedback} (norms) and {@code cosine}, over some
   *     lessons
   */
  JsonObject measure(TorchSession session, Arm arm) {
    Arm probed = arm.feedback() == Arm.Feedback.NONE ? Arm.DEEM : arm;
    ArmTask task = new ArmTask(model, probed, lessons, labels, session);
    Map<String, float[]> text = new LinkedHashMap<>();
    Map<String, float[]> feedback = new LinkedHashMap<>();
    for (long step : STEPS) {
      add(text, gradients(session, task, step, 0));
      add(feedback, gradients(session, task, step, probed.weight()));
    }
    JsonObject result = new JsonObject();
    PARTS.forEach((part, prefixes) -> result.add(part, compare(text, feedback, prefixes)));
    return result;
  }

  /**
   * The gradients of one loss.
   *
   * @param feedbackWeight 0 for the text loss
   */
  private Map<String, float[]> gradients(
      TorchSession session, ArmTask task, long step, double feedbackWeight) {
    Map<String, float[]> gradients = new LinkedHashMap<>();
    session.clearGradients();
    try (TrainingScope scope = session.trainingScope()) {
      RandomSource random = RandomSource.seeded(step);
      DeemNetwork.Step forward = task.forward(scope, lessons.lesson(step), random);
      if (feedbackWeight == 0) {
        scope.backward(forward.losses().text());
      } else {
        Value loss = task.feedback(scope, step, forward.seen(), random);
        scope.backward(loss, scope.floats(new float[] {(float) feedbackWeight}), false);
      }
      for (String name : session.trainableParams()) {
        if (PARTS.values().stream().flatMap(List::stream).anyMatch(name::startsWith)) {
          Value gradient = scope.gradient(name);
          if (gradient != null) {
            gradients.put(name, gradient.floats());
          }
        }
      }
    }
    session.clearGradients();
    return gradients;
  }

  private static void add(Map<String, float[]> sums, Map<String, float[]> more) {
    more.forEach(
        (name, values) -> {
          float[] sum = sums.computeIfAbsent(name, key -> new float[values.length]);
          for (int i = 0; i < sum.length; i++) {
            sum[i] += values[i] / STEPS.length;
          }
        });
  }

  private static JsonObject compare(
      Map<String, float[]> text, Map<String, float[]> feedback, List<String> prefixes) {
    double product = 0;
    double ofText = 0;
    double ofFeedback = 0;
    for (Map.Entry<String, float[]> entry : text.entrySet()) {
      float[] a = entry.getValue();
      float[] b = feedback.get(entry.getKey());
      if (prefixes.stream().noneMatch(entry.getKey()::startsWith)) {
        continue;
      }
      for (int i = 0; i < a.length; i++) {
        double other = b == null ? 0 : b[i];
        product += a[i] * other;
        ofText += a[i] * a[i];
        ofFeedback += other * other;
      }
    }
    JsonObject result = new JsonObject();
    result.addProperty("text", Math.sqrt(ofText));
    result.addProperty("feedback", Math.sqrt(ofFeedback));
    result.addProperty("cosine", product / Math.sqrt(ofText * ofFeedback + 1e-30));
    return result;
  }

  /** What the resampler reads of scenes, to see how far it moves. */
  float[] features(TorchSession session, List<Scene> scenes) {
    try (var scope = session.scope()) {
      Value images = scope.floats(SceneBatches.pixels(scenes), SceneBatches.shape(scenes.size()));
      return model.network().eyes().forward(scope, images, null).encoded().floats();
    }
  }

  /** The length of the difference of two features, as a share of the first one's length. */
  static double drift(float[] before, float[] after) {
    double moved = 0;
    double length = 0;
    for (int i = 0; i < before.length; i++) {
      moved += (after[i] - before[i]) * (double) (after[i] - before[i]);
      length += before[i] * (double) before[i];
    }
    return Math.sqrt(moved / length);
  }
}
