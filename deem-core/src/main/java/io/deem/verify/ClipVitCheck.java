package io.deem.verify;

import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;

/**
 * CLIP's image encoder: each layer, the pooled token, and the last layer with the other activation.
 */
final class ClipVitCheck implements FixtureCheck {

  @Override
  public String kind() {
    return "clip vision transformer";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("pixel_values", "hidden_0", "last_hidden_state", "pooler_output")
        && fixture.model().map(m -> m.contains("vision_model.pre_layrnorm.weight")).orElse(false);
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    Sizes sizes = new Sizes(fixture.config());
    try (Session session = engine.open(fixture.weights());
        Scope scope = session.scope()) {
      Replay replay = new Replay(fixture.io(), scope, reference);
      ClipActivation own = ClipActivation.named(sizes.text("hidden_act"));
      ClipVitEncoder encoder = new ClipVitEncoder(config(sizes, own), "");
      ClipVitEncoder.Output output = encoder.forward(scope, replay.floats("pixel_values"));
      for (int i = 0; i < output.hiddenStates().size(); i++) {
        replay.output("hidden_" + i, output.hiddenStates().get(i));
      }
      replay.output("last_hidden_state", output.lastHiddenState());
      replay.output("pooler_output", output.pooled());
      if (fixture.has("gelu_last_hidden_state")) {
        ClipVitEncoder gelu = new ClipVitEncoder(config(sizes, ClipActivation.GELU), "");
        replay.output(
            "gelu_last_hidden_state",
            gelu.forward(scope, replay.floats("pixel_values")).lastHiddenState());
      }
    }
  }

  /** The sizes in a {@code CLIPVisionConfig}. */
  static ClipVitEncoder.Config config(Sizes sizes, ClipActivation activation) {
    return new ClipVitEncoder.Config(
        sizes.integer("image_size"),
        sizes.integer("patch_size"),
        sizes.integer("hidden_size"),
        sizes.integer("intermediate_size"),
        sizes.integer("num_hidden_layers"),
        sizes.integer("num_attention_heads"),
        activation,
        sizes.number("layer_norm_eps"));
  }
}
