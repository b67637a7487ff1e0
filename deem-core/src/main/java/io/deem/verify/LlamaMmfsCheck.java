package io.deem.verify;

import io.deem.graph.Engine;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.model.AttentionMask;
import io.deem.model.LlamaDecoder;
import io.deem.model.TextHead;
import java.util.Arrays;
import java.util.List;

/**
 * A language model that looks at images: hidden states with and without images, further tokens by
 * the cache, and gradients.
 */
final class LlamaMmfsCheck implements FixtureCheck {

  @Override
  public String kind() {
    return "language model that sees";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll(
            "inputs_embeds", "vision_hidden_states", "cross_attention_mask", "step_tokens")
        && fixture
            .model()
            .map(m -> m.contains("model.layers.0.llama_cross_attn.gate"))
            .orElse(false);
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    LlamaDecoder decoder = new LlamaDecoder(LlamaDecoder.Config.of(fixture.config()), "model.");
    Reference reference = report.against(fixture.io(), engine.name());
    try (Session session = engine.open(fixture.weights())) {
      try (Scope scope = session.scope()) {
        Run run = new Run(decoder, new Replay(fixture.io(), scope, reference));
        run.wholeSequences();
        run.furtherTokens();
      }
      if (session instanceof TrainingSession training) {
        training.trainable(name -> true);
        try (TrainingScope scope = training.trainingScope()) {
          new Run(decoder, new Replay(fixture.io(), scope, reference)).gradients(scope);
        }
      }
    }
  }

  private record Run(LlamaDecoder decoder, Replay replay) {

    void wholeSequences() {
      Scope scope = replay.scope();
      Value embedded = replay.floats("inputs_embeds");
      List<Value> hidden = forward(embedded, images());
      for (int i = 0; i < hidden.size(); i++) {
        replay.output("hidden_" + i, hidden.get(i));
      }
      Value last = hidden.get(hidden.size() - 1);
      replay.output("last_hidden_state", last);
      replay.output("logits", head().logits(scope, last));
      List<Value> blind = forward(embedded, null);
      replay.output("last_hidden_state_novision", blind.get(blind.size() - 1));
    }

    void furtherTokens() {
      Scope scope = replay.scope();
      boolean[][] prompt = LlamaCheck.real(replay.io(), "attention_mask");
      int batch = prompt.length;
      int length = prompt[0].length;
      LlamaDecoder.Result result =
          decoder.prefill(
              scope,
              replay.floats("inputs_embeds"),
              consecutive(length),
              mask(prompt, length),
              images());
      long[] tokens = replay.io().longs("step_tokens");
      int steps = tokens.length / batch;
      int width = decoder.config().vocabulary();
      float[] logits = new float[tokens.length * width];
      for (int step = 0; step < steps; step++) {
        boolean[][] real = extended(prompt, step + 1);
        long[] ids = new long[batch];
        long[] positions = new long[batch];
        for (int row = 0; row < batch; row++) {
          ids[row] = tokens[row * steps + step];
          positions[row] = AttentionMask.positions(new boolean[][] {real[row]})[length + step];
        }
        result =
            decoder.step(
                scope,
                decoder.embed(scope, scope.longs(ids, batch, 1)),
                scope.longs(positions, batch, 1),
                mask(real, 1),
                result.cache());
        float[] row = head().lastLogits(scope, result.last()).floats();
        for (int i = 0; i < batch; i++) {
          System.arraycopy(row, i * width, logits, (i * steps + step) * width, width);
        }
      }
      replay.reference().output("step_logits", logits, batch, steps, width);
    }

    void gradients(TrainingScope scope) {
      Value embedded = replay.floats("inputs_embeds");
      LlamaDecoder.Images images = images();
      List<Value> hidden = forward(embedded, images);
      Value last = hidden.get(hidden.size() - 1);
      scope.backward(last, replay.floats("cotangent"), false);
      replay.gradient("grad_inputs_embeds", scope, embedded);
      replay.gradient("grad_vision_hidden_states", scope, images.features());
      replay.parameterGradients(scope);
    }

    private List<Value> forward(Value embedded, LlamaDecoder.Images images) {
      boolean[][] real = LlamaCheck.real(replay.io(), "attention_mask");
      int length = real[0].length;
      return decoder.forward(
          replay.scope(), embedded, consecutive(length), mask(real, length), images);
    }

    private LlamaDecoder.Images images() {
      return new LlamaDecoder.Images(
          replay.floats("vision_hidden_states"), replay.floats("cross_attention_mask"));
    }

    private TextHead head() {
      LlamaDecoder.Config config = decoder.config();
      return TextHead.plain(Param.of("lm_head.weight", config.vocabulary(), config.width()));
    }

    private Value mask(boolean[][] real, int queries) {
      return replay
          .scope()
          .floats(AttentionMask.causal(real, queries), real.length, 1, queries, real[0].length);
    }

    private Value consecutive(int length) {
      long[] positions = new long[length];
      Arrays.setAll(positions, i -> i);
      return replay.scope().longs(positions, 1, length);
    }

    private static boolean[][] extended(boolean[][] prompt, int more) {
      boolean[][] real = new boolean[prompt.length][];
      for (int row = 0; row < real.length; row++) {
        int length = prompt[row].length;
        real[row] = Arrays.copyOf(prompt[row], length + more);
        Arrays.fill(real[row], length, length + more, true);
      }
      return real;
    }
  }
}
