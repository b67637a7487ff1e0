package io.deem.verify;

import com.google.gson.JsonObject;
import io.deem.graph.Engine;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.model.ClipActivation;
import io.deem.model.ClipVitEncoder;
import io.deem.model.VitAdapter;
import io.deem.weights.TensorSource;

/** The vision transformer with DEEM's adapter: its maps and tokens, and its position embeddings. */
final class VitAdapterCheck implements FixtureCheck {

  private static final String POSITIONS = "vision_model.embeddings.position_embedding.weight";

  @Override
  public String kind() {
    return "vision transformer with adapter";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("pixel_values", "ms_0", "ms_3", "last_hidden_state")
        && fixture.model().map(m -> m.contains("vision_model.adapter_up.weight")).orElse(false);
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    VitAdapter.Config config = config(fixture.config(), fixture.weights());
    if (fixture.hasAll("pos_embed_before_interp", "pos_embed_after_interp")) {
      positions(fixture.io(), config.vit(), reference);
      // The stored weights are those after the interpolation.
      long[] shape = fixture.weights().info(POSITIONS).shape();
      reference.output("pos_embed_after_interp", fixture.weights().floats(POSITIONS), shape);
    }
    VitAdapter adapter = new VitAdapter(config, "");
    try (Session session = engine.open(fixture.weights());
        Scope scope = session.scope()) {
      Replay replay = new Replay(fixture.io(), scope, reference);
      VitAdapter.Features features = adapter.forward(scope, replay.floats("pixel_values"));
      for (int i = 0; i < features.maps().size(); i++) {
        replay.output("ms_" + i, features.maps().get(i));
      }
      replay.output("last_hidden_state", features.lastHiddenState());
    }
  }

  private static void positions(
      TensorSource io, ClipVitEncoder.Config config, Reference reference) {
    float[] before = io.floats("pos_embed_before_interp");
    float[] after = ClipVitEncoder.resizePositions(before, config.width(), config.grid());
    long rows = 1 + (long) config.grid() * config.grid();
    reference.output("pos_embed_after_interp", after, rows, config.width());
  }

  private static VitAdapter.Config config(JsonObject stored, TensorSource weights) {
    JsonObject config = stored.deepCopy();
    if (config.has("image_size_after_interp")) {
      config.add("image_size", config.get("image_size_after_interp"));
    }
    Sizes sizes = new Sizes(config);
    boolean projects = weights.contains("vision_model.fc_proj.weight");
    return new VitAdapter.Config(
        ClipVitCheck.config(sizes, ClipActivation.named(sizes.text("hidden_act"))),
        sizes.integer("conv_inplane"),
        sizes.integer("n_points"),
        projects ? sizes.integer("out_dim") : 0);
  }
}
