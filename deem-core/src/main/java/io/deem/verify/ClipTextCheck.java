package io.deem.verify;

import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.ClipActivation;
import io.deem.model.ClipTextEncoder;

/** CLIP's text encoder: its last hidden state and the pooled token. */
final class ClipTextCheck implements FixtureCheck {

  @Override
  public String kind() {
    return "clip text encoder";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("input_ids", "last_hidden_state", "pooler_output")
        && fixture.model().map(m -> m.contains("text_model.final_layer_norm.weight")).orElse(false);
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    ClipTextEncoder encoder = new ClipTextEncoder(config(new Sizes(fixture.config())), "");
    try (Session session = engine.open(fixture.weights());
        Scope scope = session.scope()) {
      Replay replay = new Replay(fixture.io(), scope, reference);
      ClipTextEncoder.Output output = encoder.forward(scope, replay.longs("input_ids"));
      replay.output("last_hidden_state", output.lastHiddenState());
      replay.output("pooler_output", output.pooled());
    }
  }

  private static ClipTextEncoder.Config config(Sizes sizes) {
    return new ClipTextEncoder.Config(
        sizes.integer("vocab_size"),
        sizes.integer("max_position_embeddings"),
        sizes.integer("hidden_size"),
        sizes.integer("intermediate_size"),
        sizes.integer("num_hidden_layers"),
        sizes.integer("num_attention_heads"),
        ClipActivation.named(sizes.text("hidden_act")),
        sizes.number("layer_norm_eps"));
  }
}
