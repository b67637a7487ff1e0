package io.deem.verify;

import io.deem.generation.CandidateRule;
import io.deem.generation.Generation;
import io.deem.generation.GenerationConfig;
import io.deem.generation.GenerationListener;
import io.deem.generation.TextGeneration;
import io.deem.graph.Engine;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Value;
import io.deem.model.AttentionMask;
import io.deem.model.LlamaCache;
import io.deem.model.LlamaDecoder;
import io.deem.model.TextHead;
import io.deem.perception.LlamaTokenModel;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A language model: logits with padding on either side and with none, token by token, the loss, and
 * every way of generating.
 */
final class LlamaCheck implements FixtureCheck {

  private static final int FIRST_CACHED = 4;

  @Override
  public String kind() {
    return "language model";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("right_input_ids", "left_logits", "nomask_logits_cached", "labels")
        && fixture.model().map(m -> m.contains("model.norm.weight")).orElse(false);
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    LlamaDecoder decoder = new LlamaDecoder(LlamaDecoder.Config.of(fixture.config()), "model.");
    LlamaDecoder.Config config = decoder.config();
    TextHead head = TextHead.plain(Param.of("lm_head.weight", config.vocabulary(), config.width()));
    try (Session session = engine.open(fixture.weights());
        Scope scope = session.scope()) {
      Run run =
          new Run(
              decoder,
              head,
              scope,
              new Replay(fixture.io(), scope, report.against(fixture.io(), engine.name())),
              new Sizes(fixture.config()));
      run.paddedOnTheRight();
      run.paddedOnTheLeft();
      run.notPadded();
      for (String name : fixture.io().names()) {
        if (name.startsWith("gen_") && !name.endsWith("_scores")) {
          run.generation(name);
        }
      }
    }
  }

  private record Run(LlamaDecoder decoder, TextHead head, Scope scope, Replay replay, Sizes sizes) {

    void paddedOnTheRight() {
      boolean[][] real = real(replay.io(), "right_attention_mask");
      Value ids = replay.longs("right_input_ids");
      List<Value> hidden =
          decoder.forward(scope, decoder.embed(scope, ids), consecutive(ids), mask(real), null);
      for (int i = 0; i < hidden.size(); i++) {
        if (replay.io().contains("right_hidden_" + i)) {
          whereReal("right_hidden_" + i, hidden.get(i), real);
        }
      }
      Value last = hidden.get(hidden.size() - 1);
      whereReal("right_logits", head.logits(scope, last), real);
      loss(last);
    }

    /** The labels are shifted here: each token is to predict the one after it. */
    private void loss(Value last) {
      long[] labels = replay.io().longs("labels");
      int length = (int) last.shape()[1];
      List<Long> places = new ArrayList<>();
      for (int i = 0; i < labels.length - 1; i++) {
        if (i % length != length - 1 && labels[i + 1] != TextHead.IGNORED) {
          places.add((long) i);
        }
      }
      long[] at = places.stream().mapToLong(i -> i).toArray();
      long[] targets = Arrays.stream(at).map(i -> labels[(int) i + 1]).toArray();
      Value loss =
          head.loss(scope, last, scope.longs(at, at.length), scope.longs(targets, targets.length));
      replay.reference().output("loss", loss.floats(), replay.io().info("loss").shape());
    }

    void paddedOnTheLeft() {
      boolean[][] real = real(replay.io(), "left_attention_mask");
      long[] positions = AttentionMask.positions(real);
      replay.reference().ids("left_position_ids", positions, real.length, real[0].length);
      Value embedded = decoder.embed(scope, replay.longs("left_input_ids"));
      Value at = scope.longs(positions, real.length, real[0].length);
      List<Value> hidden = decoder.forward(scope, embedded, at, mask(real), null);
      whereReal("left_logits", head.logits(scope, hidden.get(hidden.size() - 1)), real);
    }

    void notPadded() {
      Value ids = replay.longs("nomask_input_ids");
      Value embedded = decoder.embed(scope, ids);
      List<Value> hidden = decoder.forward(scope, embedded, consecutive(ids), null, null);
      replay.output("nomask_logits", head.logits(scope, hidden.get(hidden.size() - 1)));

      // The first tokens at once, the others one by one.
      int batch = (int) ids.shape()[0];
      int length = (int) ids.shape()[1];
      int width = head.vocabulary();
      float[] logits = new float[batch * length * width];
      LlamaCache cache = null;
      for (int start = 0; start < length; ) {
        int end = start == 0 ? Math.min(FIRST_CACHED, length) : start + 1;
        Value some = columns(ids, start, end);
        long[] numbers = new long[end - start];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = (long) start + i;
        }
        Value positions = scope.longs(numbers, 1, numbers.length);
        Value x = decoder.embed(scope, some);
        LlamaDecoder.Result result =
            cache == null
                ? decoder.prefill(scope, x, positions, null, null)
                : decoder.step(scope, x, positions, null, cache);
        cache = result.cache();
        float[] part = head.logits(scope, result.last()).floats();
        int count = (end - start) * width;
        for (int row = 0; row < batch; row++) {
          System.arraycopy(part, row * count, logits, (row * length + start) * width, count);
        }
        start = end;
      }
      replay.reference().output("nomask_logits_cached", logits, batch, length, width);
    }

    void generation(String name) {
      boolean[][] real = real(replay.io(), "left_attention_mask");
      long[] ids = replay.io().longs("left_input_ids");
      int length = real[0].length;
      int[][] prompts = new int[real.length][length];
      for (int i = 0; i < ids.length; i++) {
        prompts[i / length][i % length] = (int) ids[i];
      }
      GenerationConfig config = config(name, sizes, replay.io().longs("eos_ids"));
      Generation generated;
      try (Scope inner = scope.child()) {
        generated =
            TextGeneration.generate(
                LlamaTokenModel.ofTokens(inner, decoder, head, prompts, real),
                prompts,
                config,
                GenerationListener.NONE);
      }
      int[][] sequences = generated.sequences();
      long[] flat = Arrays.stream(sequences).flatMapToInt(Arrays::stream).asLongStream().toArray();
      replay.reference().ids(name, flat, sequences.length, sequences[0].length);
      String scores = name + "_sequences_scores";
      if (replay.io().contains(scores)) {
        float[] values = new float[generated.scores().length];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) generated.scores()[i];
        }
        replay.reference().output(scores, values, values.length);
      }
    }

    private Value mask(boolean[][] real) {
      int length = real[0].length;
      return scope.floats(AttentionMask.causal(real, length), real.length, 1, length, length);
    }

    private Value consecutive(Value ids) {
      int length = (int) ids.shape()[1];
      long[] positions = new long[length];
      Arrays.setAll(positions, i -> i);
      return scope.longs(positions, 1, length);
    }

    private Value columns(Value ids, int start, int end) {
      int batch = (int) ids.shape()[0];
      int length = (int) ids.shape()[1];
      long[] all = ids.longs();
      long[] some = new long[batch * (end - start)];
      for (int row = 0; row < batch; row++) {
        System.arraycopy(all, row * length + start, some, row * (end - start), end - start);
      }
      return scope.longs(some, batch, end - start);
    }

    /** Results for padding mean nothing. */
    private void whereReal(String name, Value value, boolean[][] real) {
      long[] shape = value.shape();
      int length = real[0].length;
      int width = (int) shape[2];
      replay
          .reference()
          .floats(
              name,
              Tolerance.OUTPUT,
              i -> real[i / width / length][i / width % length],
              value.floats(),
              shape);
    }
  }

  static boolean[][] real(TensorSource io, String name) {
    long[] mask = io.longs(name);
    int length = (int) io.info(name).shape()[1];
    boolean[][] real = new boolean[mask.length / length][length];
    for (int i = 0; i < mask.length; i++) {
      real[i / length][i % length] = mask[i] != 0;
    }
    return real;
  }

  /** The stored sequences' names say how they were made, in the words of the fixture's README. */
  private static GenerationConfig config(String name, Sizes sizes, long[] eos) {
    GenerationConfig.Builder builder =
        GenerationConfig.builder()
            .padId(sizes.integer("pad_token_id", 0))
            .maxNewTokens(10)
            .candidateRule(name.contains("deembeam") ? CandidateRule.DEEM : CandidateRule.STOCK)
            .eosIds(Arrays.stream(eos).mapToInt(Math::toIntExact).toArray());
    switch (name) {
      case "gen_greedy" -> builder.maxNewTokens(12).eosIds(sizes.integer("eos_token_id"));
      case "gen_greedy_rep1p3_min11" ->
          builder.maxNewTokens(12).repetitionPenalty(1.3f).minLength(11);
      case "gen_beam3_lp1", "gen_deembeam3_lp1" -> builder.numBeams(3).lengthPenalty(1);
      case "gen_beam3_lpneg1" -> builder.numBeams(3).lengthPenalty(-1);
      case "gen_beam3_rep1p5" -> builder.numBeams(3).repetitionPenalty(1.5f);
      case "gen_beam3_early" -> builder.numBeams(3).earlyStopping(true);
      case "gen_beam3_lp2_min12" ->
          builder.numBeams(3).maxNewTokens(14).lengthPenalty(2).minLength(12);
      case "gen_beam3_lp0_ret3" -> builder.numBeams(3).lengthPenalty(0).numReturnSequences(3);
      case "gen_beam3_scored" -> builder.numBeams(3).maxNewTokens(8);
      case "gen_deembeam5_lp1_min4" -> builder.numBeams(5).lengthPenalty(1).minLength(4);
      default -> throw new IllegalArgumentException("unknown way of generating: " + name);
    }
    return builder.build();
  }
}
