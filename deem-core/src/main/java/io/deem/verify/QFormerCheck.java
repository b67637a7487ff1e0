package io.deem.verify;

import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.model.PerceiverResampler;

/**
 * The perceiver resampler: each layer with and without a mask on the sequence that it reads, and
 * the gradients through the masked run.
 */
final class QFormerCheck implements FixtureCheck {

  @Override
  public String kind() {
    return "qformer";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll(
        "encoder_hidden_states", "encoder_attention_mask", "hidden_0", "out_mask", "out_nomask");
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    PerceiverResampler resampler = new PerceiverResampler(config(new Sizes(fixture.config())), "");
    try (Session session = engine.open(fixture.weights())) {
      try (Scope scope = session.scope()) {
        outputs(resampler, new Replay(fixture.io(), scope, reference));
      }
      if (session instanceof TrainingSession training && fixture.has("grad_cotangent")) {
        training.trainable(name -> true);
        try (TrainingScope scope = training.trainingScope()) {
          gradients(resampler, new Replay(fixture.io(), scope, reference), scope);
        }
      }
    }
  }

  private static PerceiverResampler.Config config(Sizes sizes) {
    return new PerceiverResampler.Config(
        sizes.integer("num_queries"),
        sizes.integer("hidden_size"),
        sizes.integer("encoder_hidden_size"),
        sizes.integer("intermediate_size"),
        sizes.integer("num_hidden_layers"),
        sizes.integer("num_attention_heads"),
        sizes.integer("cross_attention_frequency"),
        sizes.flag("qk_normalization"),
        sizes.number("layer_norm_eps"));
  }

  private static void outputs(PerceiverResampler resampler, Replay replay) {
    Value encoded = replay.floats("encoder_hidden_states");
    Value mask = replay.longs("encoder_attention_mask");
    PerceiverResampler.Output masked = resampler.forward(replay.scope(), encoded, mask);
    for (int i = 0; i < masked.hiddenStates().size(); i++) {
      replay.output("hidden_" + i, masked.hiddenStates().get(i));
    }
    replay.output("out_mask", masked.last());
    if (replay.io().contains("pooler_output")) {
      firstQuery("pooler_output", masked.last(), replay);
    }
    replay.output("out_nomask", resampler.forward(replay.scope(), encoded, null).last());
  }

  /** The pooled output of a Q-Former is that of its first query. */
  private static void firstQuery(String name, Value hidden, Replay replay) {
    int batch = Math.toIntExact(hidden.shape()[0]);
    int queries = Math.toIntExact(hidden.shape()[1]);
    int width = Math.toIntExact(hidden.shape()[2]);
    float[] pooled = new float[batch * width];
    for (int i = 0; i < batch; i++) {
      System.arraycopy(hidden.floats(), i * queries * width, pooled, i * width, width);
    }
    replay.reference().output(name, pooled, batch, width);
  }

  private static void gradients(PerceiverResampler resampler, Replay replay, TrainingScope scope) {
    Value encoded = replay.floats("encoder_hidden_states");
    Value mask = replay.longs("encoder_attention_mask");
    Value result = resampler.forward(scope, encoded, mask).last();
    scope.backward(result, replay.floats("grad_cotangent"), false);
    replay.parameterGradients(scope);
    if (replay.io().contains("grad_encoder_hidden_states")) {
      replay.gradient("grad_encoder_hidden_states", scope, encoded);
    }
  }
}
