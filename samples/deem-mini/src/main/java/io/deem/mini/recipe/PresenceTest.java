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
import io.deem.mini.Negative;
import io.deem.mini.Question;
import io.deem.mini.Questions;
import io.deem.mini.Scene;
import io.deem.mini.SceneGenerator;
import io.deem.model.DeemNetwork;
import io.deem.model.InterleavedBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Yes/no questions about what is in new scenes, as many answered yes as no (POPE's way, Li et al.
 * 2023): the absent object is drawn at random, by popularity, or from the category of what is
 * there.
 */
final class PresenceTest {

  private static final int SCENES_PER_BATCH = 20;

  /**
   * How many questions were answered right.
   *
   * @param questions in all
   * @param right answered right
   * @param yes answered yes
   */
  record Result(int questions, int right, int yes) {

    /** The share of right answers; the questions are balanced. */
    double accuracy() {
      return (double) right / questions;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%.1f %% of %d right, %.1f %% answered yes",
          100 * accuracy(),
          questions,
          100.0 * yes / questions);
    }
  }

  private final DeemNetwork network;
  private final MiniText text;
  private final Block difference;

  PresenceTest(DeemNetwork network, MiniText text, int yes, int no) {
    this.network = network;
    this.text = text;
    this.difference = Graph.block("yes or no", g -> difference(g, yes, no));
  }

  /**
   * Asks about the first scenes of a generator, taking turns among the ways to draw absent objects.
   */
  Result run(Session session, SceneGenerator generator, Questions questions, int scenes) {
    int asked = 0;
    int right = 0;
    int yes = 0;
    SceneBatches batches = new SceneBatches(generator, SCENES_PER_BATCH, MiniArchitecture.CANVAS);
    for (int done = 0; done < scenes; done += SCENES_PER_BATCH) {
      SceneBatches.Batch batch = batches.batch(done / SCENES_PER_BATCH);
      List<Question> all = new ArrayList<>();
      List<Integer> about = new ArrayList<>();
      for (int i = 0; i < batch.scenes().size(); i++) {
        for (Question question : ask(batch.scenes().get(i), questions)) {
          all.add(question);
          about.add(i);
        }
      }
      boolean[] answers = answer(session, batch, all, about);
      for (int i = 0; i < answers.length; i++) {
        asked++;
        yes += answers[i] ? 1 : 0;
        right += answers[i] == all.get(i).answer().equals("yes") ? 1 : 0;
      }
    }
    return new Result(asked, right, yes);
  }

  private static List<Question> ask(Scene scene, Questions questions) {
    Negative[] kinds = Negative.values();
    List<Question> pair = questions.presence(scene, kinds[(int) (scene.index() % kinds.length)]);
    return pair.isEmpty() ? questions.presence(scene, Negative.RANDOM) : pair;
  }

  private boolean[] answer(
      Session session, SceneBatches.Batch batch, List<Question> all, List<Integer> about) {
    int planes = batch.pixels().length / batch.scenes().size();
    float[] pixels = new float[all.size() * planes];
    List<MiniText.Row> rows = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      System.arraycopy(batch.pixels(), about.get(i) * planes, pixels, i * planes, planes);
      rows.add(text.questions(List.of(all.get(i))));
    }
    InterleavedBatch tokens = text.batch(rows);
    long[] last = new long[rows.size()];
    for (int i = 0; i < last.length; i++) {
      // The answer and the end follow the question, a token each.
      last[i] = (long) i * tokens.length() + rows.get(i).ids().length - 3;
    }
    try (Scope scope = session.scope()) {
      Value images =
          scope.floats(pixels, all.size(), 3, MiniArchitecture.CANVAS, MiniArchitecture.CANVAS);
      Value stream = network.read(scope, tokens, network.eyes().forward(scope, images, null));
      float[] margins = scope.run1(difference, stream, scope.longs(last, last.length)).floats();
      boolean[] yes = new boolean[margins.length];
      for (int i = 0; i < yes.length; i++) {
        yes[i] = margins[i] > 0;
      }
      return yes;
    }
  }

  private List<Tensor> difference(Graph g, int yes, int no) {
    int width = MiniArchitecture.LANGUAGE_WIDTH;
    Tensor stream = g.input("stream", Shape.of(Dim.symbol("batch"), Dim.symbol("length"), width));
    Tensor places = g.input("places", Shape.of(Dim.symbol("count")), DataType.INT64);
    Tensor logits = network.language().head().apply(stream.flatten(0, 1).indexSelect(0, places));
    return List.of(logits.slice(1, yes, yes + 1).minus(logits.slice(1, no, no + 1)).squeeze(1));
  }
}
