package io.deem.mini.recipe;

import io.deem.mini.Raster;
import io.deem.mini.Scene;
import io.deem.mini.SceneGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongFunction;

/**
 * Batches of consecutive scenes. While a batch is used, the next one is drawn in the background;
 * what a step gets depends on its number alone.
 */
final class SceneBatches {

  /**
   * A batch.
   *
   * @param scenes in order
   * @param pixels [batch, 3, canvas, canvas] from 0 to 1
   */
  record Batch(List<Scene> scenes, float[] pixels) {}

  private final LongFunction<Scene> scenes;
  private final int size;
  private final int canvas;
  private long expected = -1;
  private CompletableFuture<Batch> next;

  SceneBatches(SceneGenerator generator, int size, int canvas) {
    this(generator::scene, size, canvas);
  }

  /**
   * Batches of any sequence of scenes.
   *
   * @param scenes the scene of an index, the same at each call, from any thread
   */
  SceneBatches(LongFunction<Scene> scenes, int size, int canvas) {
    this.scenes = scenes;
    this.size = size;
    this.canvas = canvas;
  }

  /** Scenes in a batch. */
  int size() {
    return size;
  }

  /** The shape of a batch's pixels. */
  long[] shape() {
    return new long[] {size, 3, canvas, canvas};
  }

  /** The batch of a step, counted from 0. */
  Batch batch(long step) {
    Batch batch = step == expected ? next.join() : draw(step);
    expected = step + 1;
    next = CompletableFuture.supplyAsync(() -> draw(step + 1));
    return batch;
  }

  private Batch draw(long step) {
    List<Scene> drawn = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      drawn.add(scenes.apply(step * size + i));
    }
    return new Batch(drawn, pixels(drawn));
  }

  /** Pixels of scenes of one size, [scenes, 3, height, width] from 0 to 1. */
  static float[] pixels(List<Scene> scenes) {
    Raster first = scenes.get(0).picture();
    int planes = 3 * first.width() * first.height();
    float[] pixels = new float[scenes.size() * planes];
    for (int i = 0; i < scenes.size(); i++) {
      scenes.get(i).picture().toPlanes(pixels, i * planes);
    }
    return pixels;
  }

  /** The shape of {@link #pixels} where every scene has the model's size. */
  static long[] shape(int scenes) {
    return new long[] {scenes, 3, MiniArchitecture.CANVAS, MiniArchitecture.CANVAS};
  }
}
