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
import io.deem.model.VisualTokenizer;
import io.deem.nn.Linear;
import io.deem.random.RandomSource;
import io.deem.training.TrainingTask;
import java.util.List;
import java.util.Map;

/**
 * Teaches the image encoder and the resampler the language model's nouns: the visual token of each
 * cell should point where the embedding of what lies there points, and a little towards its colour.
 * This is deem-mini's stand-in for contrastive pre-training on captions.
 */
final class NounTask implements TrainingTask {

  private static final int IGNORED = CellTruth.UNKNOWN;
  private static final double COLOR_WEIGHT = 0.3;
  private static final double MAP_WEIGHT = 1;
  private static final int TOKEN_MAP = 2;
  private static final int CELLS = MiniArchitecture.GRID * MiniArchitecture.GRID;
  private static final int WIDTH = MiniArchitecture.LANGUAGE_WIDTH;

  /** The embedding of cells where nothing lies; learnt, and thrown away with the temperatures. */
  static final Param BACKGROUND = Param.of("noun_task.background", 1, WIDTH);

  static final Param NOUN_TEMPERATURE = Param.of("noun_task.noun_temperature", 1);
  static final Param COLOR_TEMPERATURE = Param.of("noun_task.color_temperature", 1);

  /** Reads nouns from the encoder's map directly, a shorter way for the gradient. */
  static final Linear MAP_HEAD =
      Linear.of("noun_task.map_head", MiniArchitecture.ENCODER_WIDTH, WIDTH);

  private final VisualTokenizer eyes;
  private final Labels labels;
  private final SceneBatches batches;
  private final Block loss;

  NounTask(VisualTokenizer eyes, Labels labels, SceneBatches batches) {
    this.eyes = eyes;
    this.labels = labels;
    this.batches = batches;
    this.loss = block(labels);
  }

  /**
   * What {@link #params} learn from; see {@link #losses(Scope, Block, VisualTokenizer.Tokens,
   * CellTruth)}.
   */
  static Block block(Labels labels) {
    return Graph.block("noun loss", g -> loss(g, labels));
  }

  /** The parameters of the loss itself, thrown away after the stage. */
  static List<Param> params() {
    return List.of(
        BACKGROUND, NOUN_TEMPERATURE, COLOR_TEMPERATURE, MAP_HEAD.weight(), MAP_HEAD.bias());
  }

  /**
   * The loss, then what it is made of: nouns, colours, the share of right nouns, the map's nouns.
   */
  static List<Value> losses(Scope scope, Block loss, VisualTokenizer.Tokens seen, CellTruth truth) {
    int cells = truth.nouns().length;
    return scope.run(
        loss,
        seen.tokens(),
        seen.maps().get(TOKEN_MAP),
        scope.longs(truth.nouns(), cells),
        scope.longs(truth.colors(), cells));
  }

  @Override
  public int itemsPerStep() {
    return batches.size();
  }

  @Override
  public Losses losses(TrainingScope scope, long step, RandomSource random) {
    SceneBatches.Batch batch = batches.batch(step);
    Value pixels = scope.floats(batch.pixels(), batches.shape());
    VisualTokenizer.Tokens seen = eyes.forward(scope, pixels, null);
    List<Value> results = losses(scope, loss, seen, CellTruth.of(batch.scenes(), labels));
    return new Losses(
        results.get(0),
        Map.of(
            "noun",
            results.get(1),
            "color",
            results.get(2),
            "right",
            results.get(3),
            "map",
            results.get(4)));
  }

  private static List<Tensor> loss(Graph g, Labels labels) {
    Dim batch = Dim.symbol("batch");
    Dim rows = batch.times(CELLS);
    int side = MiniArchitecture.GRID;
    Tensor tokens = g.input("tokens", Shape.of(batch, CELLS, WIDTH)).reshape(rows, WIDTH);
    Tensor map = g.input("map", Shape.of(batch, MiniArchitecture.ENCODER_WIDTH, side, side));
    Tensor nouns = g.input("nouns", Shape.of(rows), DataType.INT64);
    Tensor colors = g.input("colors", Shape.of(rows), DataType.INT64);
    Tensor known = g.constant(labels.embeddings(), labels.size(), WIDTH);
    Tensor nounTable = unit(Tensor.concat(0, known, g.param(BACKGROUND)));
    float[] names = labels.colors();
    Tensor colorTable = unit(g.constant(names, names.length / WIDTH, WIDTH));
    Tensor nounScale = g.param(NOUN_TEMPERATURE);
    Tensor colorScale = g.param(COLOR_TEMPERATURE);

    Tensor direction = unit(tokens);
    Tensor logits = direction.linear(nounTable, null).times(nounScale);
    Tensor nounLoss = logits.crossEntropy(nouns, IGNORED);
    Tensor colorLoss =
        direction.linear(colorTable, null).times(colorScale).crossEntropy(colors, IGNORED);
    Tensor early =
        MAP_HEAD.apply(map.permute(0, 2, 3, 1).reshape(rows, MiniArchitecture.ENCODER_WIDTH));
    Tensor earlyLoss =
        unit(early).linear(nounTable, null).times(nounScale).crossEntropy(nouns, IGNORED);

    Tensor total = nounLoss.plus(colorLoss.times(COLOR_WEIGHT)).plus(earlyLoss.times(MAP_WEIGHT));
    Tensor right = logits.argMax(1).equalTo(nouns).cast(DataType.FLOAT).mean();
    return List.of(total, nounLoss, colorLoss, right, earlyLoss);
  }

  /** Rows of length 1. */
  static Tensor unit(Tensor rows) {
    return rows.times(rows.times(rows).sum(true, 1).plus(1e-12).rsqrt());
  }
}
