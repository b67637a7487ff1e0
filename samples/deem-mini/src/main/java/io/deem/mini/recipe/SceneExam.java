package io.deem.mini.recipe;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.Value;
import io.deem.mini.Question;
import io.deem.mini.Raster;
import io.deem.mini.SceneBenchmark;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import io.deem.training.evaluation.Answered;
import io.deem.training.evaluation.Item;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The questions of {@link SceneBenchmark} about one style, asked many at a time: the answer is the
 * option whose first token the language model finds likeliest.
 */
final class SceneExam {

  /**
   * An answered question.
   *
   * @param answered what the benchmark's scores are made of
   * @param margin of yes over no in logits; NaN for other options
   */
  record Answer(Answered answered, double margin) {}

  private static final int BATCH = 48;

  private record Entry(Raster picture, MiniText.Row row, int place, int[] options, Item item) {}

  private final DeemNetwork network;
  private final MiniText text;
  private final List<Entry> entries = new ArrayList<>();
  private final long[] vocabulary;
  private final Map<Long, Integer> columns = new LinkedHashMap<>();
  private final Block logits;

  /**
   * An exam.
   *
   * @param counts how many groups to ask of each kind
   */
  SceneExam(
      DeemNetwork network,
      MiniText text,
      SceneBenchmark benchmark,
      Map<SceneBenchmark.Kind, Integer> counts) {
    this.network = network;
    this.text = text;
    counts.forEach(
        (kind, count) -> benchmark.ask(kind, count).forEach(asked -> add(kind.id(), asked)));
    TreeSet<Long> tokens = new TreeSet<>();
    entries.forEach(entry -> IntStream.of(entry.options).forEach(id -> tokens.add((long) id)));
    tokens.forEach(id -> columns.put(id, columns.size()));
    this.vocabulary = tokens.stream().mapToLong(Long::longValue).toArray();
    this.logits = Graph.block("options", this::logits);
    // Rows of like length together need little padding.
    entries.sort(Comparator.comparingInt(entry -> entry.row.ids().length));
  }

  private void add(String kind, SceneBenchmark.Asked asked) {
    Question question = asked.question();
    int[] options = question.options().stream().mapToInt(o -> text.ids(o)[0]).toArray();
    if (IntStream.of(options).distinct().count() < options.length) {
      throw new IllegalArgumentException("options begin alike: " + question.options());
    }
    MiniText.Row row = text.questions(List.of(question));
    int place = row.ids().length - 2 - text.ids(question.answer()).length;
    Item item =
        new Item(
            kind + " " + entries.size(),
            kind,
            Integer.toString(asked.group()),
            () -> {
              throw new java.io.IOException("the picture of a scene is not kept");
            },
            question.text(),
            question.options(),
            List.of(question.answer()));
    entries.add(new Entry(asked.picture(), row, place, options, item));
  }

  /** The answers of a model, by kind. */
  Map<String, List<Answer>> ask(Session session) {
    Map<String, List<Answer>> answers = new LinkedHashMap<>();
    for (int from = 0; from < entries.size(); from += BATCH) {
      List<Entry> batch = entries.subList(from, Math.min(entries.size(), from + BATCH));
      float[] all = logits(session, batch);
      for (int i = 0; i < batch.size(); i++) {
        Item item = batch.get(i).item;
        answers
            .computeIfAbsent(item.kind(), kind -> new ArrayList<>())
            .add(answer(batch.get(i), all, i * vocabulary.length));
      }
    }
    return answers;
  }

  private Answer answer(Entry entry, float[] logits, int row) {
    List<String> options = entry.item.options();
    double[] scores =
        IntStream.of(entry.options)
            .mapToDouble(id -> logits[row + columns.get((long) id)])
            .toArray();
    int best = 0;
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    for (double score : scores) {
      sum += Math.exp(score - scores[best]);
    }
    double margin =
        entry.item.yesNo()
            ? scores[options.indexOf("yes")] - scores[options.indexOf("no")]
            : Double.NaN;
    boolean right = options.get(best).equals(entry.item.answer());
    return new Answer(
        new Answered(
            entry.item,
            Optional.empty(),
            Optional.of(options.get(best)),
            1 / sum,
            0,
            right ? 1 : 0),
        margin);
  }

  private float[] logits(Session session, List<Entry> batch) {
    int planes = 3 * MiniArchitecture.CANVAS * MiniArchitecture.CANVAS;
    float[] pixels = new float[batch.size() * planes];
    for (int i = 0; i < batch.size(); i++) {
      batch.get(i).picture.toPlanes(pixels, i * planes);
    }
    InterleavedBatch tokens = text.batch(batch.stream().map(Entry::row).toList());
    long[] places = new long[batch.size()];
    for (int i = 0; i < places.length; i++) {
      places[i] = (long) i * tokens.length() + batch.get(i).place;
    }
    try (Scope scope = session.scope()) {
      Value images = scope.floats(pixels, SceneBatches.shape(batch.size()));
      Value stream = network.read(scope, tokens, network.eyes().forward(scope, images, null));
      return scope
          .run1(
              logits,
              stream,
              scope.longs(places, places.length),
              scope.longs(vocabulary, vocabulary.length))
          .floats();
    }
  }

  private List<Tensor> logits(Graph g) {
    int width = MiniArchitecture.LANGUAGE_WIDTH;
    Tensor stream = g.input("stream", Shape.of(Dim.symbol("batch"), Dim.symbol("length"), width));
    Tensor places = g.input("places", Shape.of(Dim.symbol("count")), DataType.INT64);
    Tensor ids = g.input("ids", Shape.of(vocabulary.length), DataType.INT64);
    Tensor rows = stream.flatten(0, 1).indexSelect(0, places);
    return List.of(network.language().head().apply(rows).indexSelect(1, ids));
  }
}
