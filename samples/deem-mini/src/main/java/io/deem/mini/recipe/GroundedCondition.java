package io.deem.mini.recipe;

import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.mini.Ground;
import io.deem.mini.PlacedObject;
import io.deem.mini.Scene;
import io.deem.nn.LayerNorm;
import io.deem.nn.Linear;
import java.util.Arrays;
import java.util.List;

/**
 * The condition of the image prior: one token for each object, from its label's embedding, its
 * place and its size, and one for the ground. A denoiser that learns from plain captions ignores
 * them at this size, and then its feedback says nothing.
 */
final class GroundedCondition {

  /** Objects at most, and the ground. */
  static final int SLOTS = 7;

  private static final int WAVES = 4;
  private static final int PLACE_FEATURES = 3 * 2 * WAVES;
  private static final int GROUND_FEATURES = 6 + Ground.Pattern.values().length;
  private static final int FEATURES = PLACE_FEATURES + GROUND_FEATURES;
  private static final int WIDTH = MiniArchitecture.CONDITION_WIDTH;

  /** The token of an empty slot, and of a condition that is left out. */
  static final Param NOTHING = Param.of("prior_task.nothing", 1, WIDTH);

  private final Labels labels;
  private final Block tokens;

  GroundedCondition(Labels labels) {
    this.labels = labels;
    this.tokens = Graph.block("grounded condition", this::tokens);
  }

  /** The parameters, which are of no use after the stage but for {@link #NOTHING}. */
  List<Param> params() {
    return tokens.params();
  }

  /**
   * Conditions for scenes.
   *
   * @param hidden scenes whose condition is left out
   * @return [scenes, slots, condition width]
   */
  Value forward(Scope scope, List<Scene> scenes, boolean[] hidden) {
    int count = scenes.size();
    int language = MiniArchitecture.LANGUAGE_WIDTH;
    float[] names = new float[count * SLOTS * language];
    float[] features = new float[count * SLOTS * FEATURES];
    boolean[] present = new boolean[count * SLOTS];
    for (int i = 0; i < count; i++) {
      if (hidden[i]) {
        continue;
      }
      List<PlacedObject> objects = scenes.get(i).objects();
      for (int slot = 0; slot < objects.size() && slot < SLOTS - 1; slot++) {
        int at = i * SLOTS + slot;
        PlacedObject object = objects.get(slot);
        System.arraycopy(
            labels.embeddings(),
            labels.of(object.concept()) * language,
            names,
            at * language,
            language);
        waves(object.x(), features, at * FEATURES);
        waves(object.y(), features, at * FEATURES + 2 * WAVES);
        waves(object.size(), features, at * FEATURES + 4 * WAVES);
        present[at] = true;
      }
      int at = i * SLOTS + SLOTS - 1;
      ground(scenes.get(i).ground(), features, at * FEATURES + PLACE_FEATURES);
      present[at] = true;
    }
    return scope.run1(
        tokens,
        scope.floats(names, count, SLOTS, language),
        scope.floats(features, count, SLOTS, FEATURES),
        scope.bools(present, count, SLOTS, 1));
  }

  private static void waves(double value, float[] target, int offset) {
    for (int k = 0; k < WAVES; k++) {
      double angle = Math.PI * (1 << k) * value;
      target[offset + 2 * k] = (float) Math.sin(angle);
      target[offset + 2 * k + 1] = (float) Math.cos(angle);
    }
  }

  private static void ground(Ground ground, float[] target, int offset) {
    int[] colors = {ground.first(), ground.second()};
    for (int i = 0; i < 6; i++) {
      int channel = (colors[i / 3] >> (16 - 8 * (i % 3))) & 0xff;
      target[offset + i] = channel / 127.5f - 1;
    }
    int pattern = Arrays.asList(Ground.Pattern.values()).indexOf(ground.pattern());
    target[offset + 6 + pattern] = 1;
  }

  private List<Tensor> tokens(Graph g) {
    Dim batch = Dim.symbol("batch");
    int language = MiniArchitecture.LANGUAGE_WIDTH;
    Tensor names = g.input("names", Shape.of(batch, SLOTS, language));
    Tensor features = g.input("features", Shape.of(batch, SLOTS, FEATURES));
    Tensor present = g.input("present", Shape.of(batch, SLOTS, 1), io.deem.graph.DataType.BOOL);
    double scale = Math.sqrt(language) / labels.meanNorm();
    Tensor x = Linear.of("prior_task.name", language, WIDTH).apply(names.times(scale));
    x = x.plus(Linear.of("prior_task.place", FEATURES, WIDTH).apply(features));
    x = x.plus(Linear.of("prior_task.mix", WIDTH, WIDTH).apply(x.gelu()));
    x = LayerNorm.of("prior_task.norm", WIDTH, 1e-5).apply(x);
    return List.of(present.where(x, g.param(NOTHING)));
  }
}
