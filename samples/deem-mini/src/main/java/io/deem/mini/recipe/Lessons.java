package io.deem.mini.recipe;

import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.mini.Captions;
import io.deem.mini.EmojiStyle;
import io.deem.mini.Questions;
import io.deem.mini.Scene;
import io.deem.mini.SceneConfig;
import io.deem.mini.SceneGenerator;
import io.deem.model.InterleavedBatch;
import io.deem.model.LatentDiffusion;
import io.deem.random.RandomSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What every arm of a repetition learns from, step by step the same. Three of four steps have
 * captions and questions about single scenes; every fourth has documents of a scene, its caption,
 * and the same things drawn by the other artist, which is the image to be predicted. All is kept,
 * with the latents, so that only the first arm pays for it.
 */
final class Lessons {

  /** Each so many steps the next image is predicted. */
  static final int DRAW_EVERY = 4;

  private static final double CAPTION_SHARE = 0.5;
  private static final int QUESTIONS = 2;

  /**
   * A step.
   *
   * @param scenes of all its images
   * @param text with a place for each of them
   * @param targets of the text that is learnt
   * @param drawn which images are to be predicted from what precedes them
   */
  record Lesson(
      List<Scene> scenes,
      InterleavedBatch text,
      InterleavedBatch.TextTargets targets,
      boolean[] drawn) {

    boolean draws() {
      return drawn[drawn.length - 1];
    }
  }

  private final SceneGenerator training;
  private final Map<EmojiStyle, SceneGenerator> artists = new HashMap<>();
  private final SceneGenerator target;
  private final MiniText text;
  private final Captions captions;
  private final Questions questions;
  private final int batch;
  private final long seed;
  private final Map<Long, Lesson> lessons = new HashMap<>();
  private final Map<Long, List<Scene>> targets = new HashMap<>();
  private final Map<String, float[]> latents = new HashMap<>();

  /**
   * The lessons of a repetition.
   *
   * @param target style of the unlabelled pictures
   */
  Lessons(AblationCorpus corpus, MiniText text, EmojiStyle target, int batch, long seed) {
    this.training = corpus.training(seed);
    for (EmojiStyle style : EmojiStyle.trainedStyles()) {
      artists.put(style, corpus.drawn(style, seed + 1, SceneConfig.training()));
    }
    this.target = corpus.drawn(target, seed + 2, SceneConfig.training());
    this.text = text;
    this.captions = new Captions(seed);
    this.questions = new Questions(corpus.labels().vocabulary(), seed);
    this.batch = batch;
    this.seed = seed;
  }

  /** The lesson of a step, counted from 0. */
  Lesson lesson(long step) {
    return lessons.computeIfAbsent(
        step, key -> key % DRAW_EVERY == DRAW_EVERY - 1 ? documents(key) : scenes(key));
  }

  /** As many unlabelled pictures as a lesson has images. */
  List<Scene> unlabelled(long step) {
    return targets.computeIfAbsent(
        step,
        key -> {
          List<Scene> scenes = new ArrayList<>();
          for (int i = 0; i < batch; i++) {
            scenes.add(target.scene(key * batch + i));
          }
          return scenes;
        });
  }

  /** Images in a step. */
  int batch() {
    return batch;
  }

  private Lesson scenes(long step) {
    RandomSource random = RandomSource.seeded(seed * 1_000_003 + step);
    List<Scene> scenes = new ArrayList<>();
    List<MiniText.Row> rows = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      Scene scene = training.scene(step * batch + i);
      scenes.add(scene);
      rows.add(
          random.uniform() < CAPTION_SHARE
              ? text.caption(captions.caption(scene))
              : text.questions(questions.draw(scene, QUESTIONS)));
    }
    return lesson(scenes, rows, new boolean[batch]);
  }

  private Lesson documents(long step) {
    List<EmojiStyle> styles = EmojiStyle.trainedStyles();
    List<Scene> scenes = new ArrayList<>();
    List<MiniText.Row> rows = new ArrayList<>();
    boolean[] drawn = new boolean[batch];
    for (int i = 0; i < batch / 2; i++) {
      long index = step * batch + i;
      Scene first = artists.get(styles.get(i % 2)).scene(index);
      scenes.add(first);
      scenes.add(artists.get(styles.get((i + 1) % 2)).scene(index));
      rows.add(text.redrawn(captions.caption(first)));
      drawn[2 * i + 1] = true;
    }
    return lesson(scenes, rows, drawn);
  }

  private Lesson lesson(List<Scene> scenes, List<MiniText.Row> rows, boolean[] drawn) {
    InterleavedBatch tokens = text.batch(rows);
    return new Lesson(
        List.copyOf(scenes),
        tokens,
        tokens.textTargets(rows.stream().map(MiniText.Row::learnt).toList()),
        drawn);
  }

  /** Computes the latents of the first steps, if that has not been done. */
  void prepare(Session session, LatentDiffusion diffusion, long steps, boolean unlabelled) {
    for (long step = 0; step < steps; step++) {
      latents(session, diffusion, step, unlabelled);
    }
  }

  /** The means of the latents of a step's images, or of its unlabelled pictures. */
  float[] latents(Session session, LatentDiffusion diffusion, long step, boolean unlabelled) {
    return latents.computeIfAbsent(
        (unlabelled ? "unlabelled " : "") + step,
        key -> {
          List<Scene> scenes = unlabelled ? unlabelled(step) : lesson(step).scenes();
          long[] shape = diffusion.latentShape(SceneBatches.shape(scenes.size()));
          try (Scope scope = session.scope()) {
            float[] none = new float[(int) (shape[0] * shape[1] * shape[2] * shape[3])];
            return diffusion
                .encode(
                    scope,
                    scope.floats(SceneBatches.pixels(scenes), SceneBatches.shape(scenes.size())),
                    none)
                .floats();
          }
        });
  }
}
