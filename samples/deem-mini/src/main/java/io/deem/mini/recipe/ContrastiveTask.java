package io.deem.mini.recipe;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.mini.Concept;
import io.deem.mini.Scene;
import io.deem.model.VisualTokenizer;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Contrastive pre-training of image encoder and resampler (Radford et al. 2021, "CLIP"): of all
 * texts of a batch the one that belongs to a scene, and the other way round. Texts and pictures are
 * compared word by word (Yao et al. 2022, "FILIP"): a word counts by the visual token that fits it
 * best. The words are the nouns of the scene, in the language model's own embeddings. So what a
 * text mentions is learnt, but neither where, nor how many, nor which way up.
 */
final class ContrastiveTask implements TrainingTask {

  /** The logarithm of what similarities are multiplied by. */
  private static final Param SCALE = Param.of("contrastive.logit_scale", 1);

  /** CLIP's own start, the logarithm of 1 / 0.07. */
  private static final float FIRST_SCALE = 2.66f;

  private static final int WORDS = 4;
  private static final int TOKENS = MiniArchitecture.GRID * MiniArchitecture.GRID;
  private static final int WIDTH = MiniArchitecture.LANGUAGE_WIDTH;
  private static final int NEVER = -1;

  private final VisualTokenizer eyes;
  private final SceneBatches batches;
  private final Labels labels;
  private final Block loss = Graph.block("contrastive loss", ContrastiveTask::loss);
  private final Block similarity =
      Graph.block(
          "similarity", g -> List.of(logits(g, Dim.symbol("pictures"), Dim.symbol("texts"))));

  ContrastiveTask(VisualTokenizer eyes, SceneBatches batches, Labels labels) {
    this.eyes = eyes;
    this.batches = batches;
    this.labels = labels;
  }

  /** What learns, and the table of positions. */
  List<Param> params() {
    List<Param> params = new ArrayList<>(eyes.params());
    params.addAll(loss.params());
    return params;
  }

  /** The name and the first value of the scale. */
  static Map.Entry<String, Float> firstScale() {
    return Map.entry(SCALE.name(), FIRST_SCALE);
  }

  @Override
  public int itemsPerStep() {
    return batches.size();
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    SceneBatches.Batch batch = batches.batch(step);
    List<List<Concept>> texts =
        batch.scenes().stream()
            .map(scene -> scene.groups().stream().map(Scene.Group::concept).toList())
            .toList();
    long[] own = new long[texts.size()];
    for (int i = 0; i < own.length; i++) {
      own[i] = i;
    }
    List<Value> inputs = inputs(scope, scope.floats(batch.pixels(), batches.shape()), texts);
    inputs.add(scope.longs(own, own.length));
    List<Value> results = scope.run(loss, inputs);
    return new Losses(results.get(0), Map.of("right", results.get(1)));
  }

  /**
   * Classifies pictures as CLIP does.
   *
   * @return for each picture the number of the concept that fits it best
   */
  int[] classify(Scope scope, List<Scene> scenes, List<Concept> concepts) {
    Value pixels = scope.floats(SceneBatches.pixels(scenes), SceneBatches.shape(scenes.size()));
    List<List<Concept>> texts = concepts.stream().map(List::of).toList();
    float[] logits = scope.run(similarity, inputs(scope, pixels, texts)).get(0).floats();
    int[] chosen = new int[scenes.size()];
    for (int row = 0; row < chosen.length; row++) {
      int first = row * concepts.size();
      for (int i = 1; i < concepts.size(); i++) {
        chosen[row] = logits[first + i] > logits[first + chosen[row]] ? i : chosen[row];
      }
    }
    return chosen;
  }

  /** Visual tokens, the words of each text, and the share of each word in its text. */
  private List<Value> inputs(Scope scope, Value pixels, List<List<Concept>> texts) {
    float[] words = new float[texts.size() * WORDS * WIDTH];
    float[] shares = new float[texts.size() * WORDS];
    for (int i = 0; i < texts.size(); i++) {
      List<Concept> nouns = texts.get(i);
      for (int k = 0; k < nouns.size(); k++) {
        int from = labels.of(nouns.get(k)) * WIDTH;
        System.arraycopy(labels.embeddings(), from, words, (i * WORDS + k) * WIDTH, WIDTH);
        shares[i * WORDS + k] = 1f / nouns.size();
      }
    }
    List<Value> inputs = new ArrayList<>();
    inputs.add(eyes.forward(scope, pixels, null).tokens());
    inputs.add(scope.floats(words, texts.size(), WORDS, WIDTH));
    inputs.add(scope.floats(shares, texts.size(), WORDS));
    return inputs;
  }

  private static List<Tensor> loss(Graph g) {
    Dim batch = Dim.symbol("batch");
    Tensor logits = logits(g, batch, batch);
    Tensor own = g.input("own", Shape.of(batch), DataType.INT64);
    Tensor loss =
        logits
            .crossEntropy(own, NEVER)
            .plus(logits.transpose(0, 1).crossEntropy(own, NEVER))
            .times(0.5);
    return List.of(loss, logits.argMax(1).equalTo(own).cast(DataType.FLOAT).mean());
  }

  /** How well each text fits each picture, [pictures, texts]. */
  private static Tensor logits(Graph g, Dim pictures, Dim texts) {
    Tensor seen = g.input("tokens", Shape.of(pictures, TOKENS, WIDTH)).flatten(0, 1);
    Dim all = texts.times(WORDS);
    Tensor words = NounTask.unit(g.input("words", Shape.of(texts, WORDS, WIDTH)).flatten(0, 1));
    Tensor shares = g.input("shares", Shape.of(texts, WORDS)).reshape(all);
    Tensor fit = NounTask.unit(seen).linear(words, null).reshape(pictures, TOKENS, all);
    Tensor best = fit.max(false, 1).times(shares).reshape(pictures, texts, WORDS);
    return best.sum(false, 2).times(g.param(SCALE).exp());
  }
}
