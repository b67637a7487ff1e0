package io.deem.mini.recipe;

import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.mini.Captions;
import io.deem.mini.Questions;
import io.deem.mini.Scene;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * DEEM's training step on scenes: captions and questions with the diffusion model's feedback, and
 * every few steps drawing scenes from captions.
 */
final class DeemTask implements TrainingTask {

  /**
   * What a stage mixes.
   *
   * @param captionShare rows that are captioned; the others are asked about
   * @param questionsPerScene questions in a row
   * @param drawEvery each so many steps draw scenes instead; 0 for never
   * @param weights of the losses in the other steps
   */
  record Mix(
      double captionShare, int questionsPerScene, int drawEvery, DeemNetwork.LossWeights weights) {}

  private static final DeemNetwork.LossWeights DRAWING = new DeemNetwork.LossWeights(0, 5, 0);

  private final DeemNetwork network;
  private final SceneBatches batches;
  private final MiniText text;
  private final Captions captions;
  private final Questions questions;
  private final Mix mix;

  DeemTask(
      DeemNetwork network,
      SceneBatches batches,
      MiniText text,
      Captions captions,
      Questions questions,
      Mix mix) {
    this.network = network;
    this.batches = batches;
    this.text = text;
    this.captions = captions;
    this.questions = questions;
    this.mix = mix;
  }

  @Override
  public int itemsPerStep() {
    return batches.size();
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    SceneBatches.Batch batch = batches.batch(step);
    boolean drawing = mix.drawEvery > 0 && step % mix.drawEvery == mix.drawEvery - 1;
    List<MiniText.Row> rows = new ArrayList<>();
    for (Scene scene : batch.scenes()) {
      rows.add(row(scene, drawing, random));
    }
    InterleavedBatch tokens = text.batch(rows);
    Value images = scope.floats(batch.pixels(), batches.shape());
    boolean[] drawn = new boolean[rows.size()];
    Arrays.fill(drawn, drawing);
    DeemNetwork.Losses losses =
        network.losses(
            scope,
            new DeemNetwork.Example(
                tokens,
                images,
                images,
                tokens.textTargets(rows.stream().map(MiniText.Row::learnt).toList()),
                drawn),
            drawing ? DRAWING : mix.weights,
            random);
    Map<String, Value> parts = new LinkedHashMap<>();
    put(parts, "text", losses.text());
    put(parts, "image", losses.image());
    put(parts, "consistency", losses.consistency());
    return new Losses(losses.total(), parts);
  }

  private MiniText.Row row(Scene scene, boolean drawing, RandomSource random) {
    if (drawing) {
      return text.drawing(captions.caption(scene));
    }
    return random.uniform() < mix.captionShare
        ? text.caption(captions.caption(scene))
        : text.questions(questions.draw(scene, mix.questionsPerScene));
  }

  private static void put(Map<String, Value> parts, String name, Value loss) {
    if (loss != null) {
      parts.put(name, loss);
    }
  }
}
