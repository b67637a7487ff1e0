package io.deem.verify;

import io.deem.graph.Block;
import io.deem.graph.Engine;
import io.deem.graph.Graph;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.model.ConvNextEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The ConvNeXt encoder: what each of its stages returns, on square and oblong images, its CLIP
 * embedding, and the gradients of a loss over all its maps and tokens.
 */
final class ConvNextCheck implements FixtureCheck {

  @Override
  public String kind() {
    return "convnext";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("pixel_values", "stem", "stage_3", "trunk_head", "ms_3");
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Reference reference = report.against(fixture.io(), engine.name());
    ConvNextEncoder encoder = new ConvNextEncoder(config(new Sizes(fixture.config())), "");
    try (Session session = engine.open(fixture.weights())) {
      try (Scope scope = session.scope()) {
        outputs(encoder, new Replay(fixture.io(), scope, reference), fixture);
      }
      if (session instanceof TrainingSession training && fixture.has("grad_cotangent")) {
        training.trainable(name -> true);
        try (TrainingScope scope = training.trainingScope()) {
          gradients(encoder, new Replay(fixture.io(), scope, reference), scope, fixture);
        }
      }
    }
  }

  private static ConvNextEncoder.Config config(Sizes sizes) {
    return new ConvNextEncoder.Config(
        sizes.integers("depths"),
        sizes.integers("dims"),
        sizes.integer("kernel"),
        sizes.flag("ls"),
        sizes.integer("adapter_dim"),
        sizes.integer("embed_dim"),
        sizes.number("norm_eps"));
  }

  private static void outputs(ConvNextEncoder encoder, Replay replay, Fixture fixture) {
    ConvNextEncoder.Features features =
        encoder.forward(replay.scope(), replay.floats("pixel_values"));
    replay.output("stem", features.stem());
    for (int i = 0; i < features.stages().size(); i++) {
      replay.output("stage_" + i, features.stages().get(i));
    }
    replay.output("trunk_head", features.trunkHead());
    maps("ms_", features, replay);
    replay.output("last_hidden_state", features.lastHiddenState());
    replay.output("pooler_output", features.pooled());
    if (fixture.has("clip_embed")) {
      replay.output("clip_embed", encoder.clipEmbed(replay.scope(), features));
    }
    if (fixture.has("rect_pixel_values")) {
      maps("rect_ms_", encoder.forward(replay.scope(), replay.floats("rect_pixel_values")), replay);
    }
  }

  private static void maps(String prefix, ConvNextEncoder.Features features, Replay replay) {
    for (int i = 0; i < features.maps().size(); i++) {
      replay.output(prefix + i, features.maps().get(i));
    }
  }

  private static void gradients(
      ConvNextEncoder encoder, Replay replay, TrainingScope scope, Fixture fixture) {
    Value pixels = replay.floats("pixel_values");
    ConvNextEncoder.Features features = encoder.forward(scope, pixels);
    List<Value> inputs = new ArrayList<>();
    inputs.add(features.lastHiddenState());
    inputs.add(replay.floats("grad_cotangent"));
    inputs.addAll(features.maps());
    Value loss = scope.run(loss(inputs), inputs).get(0);
    replay.output("grad_loss", loss);
    scope.backward(loss);
    replay.parameterGradients(scope);
    if (fixture.has("grad_pixel_values_image0")) {
      // Only the first image's part is stored.
      long[] shape = fixture.io().info("grad_pixel_values_image0").shape();
      int length = Math.toIntExact(shape[0] * shape[1] * shape[2] * shape[3]);
      float[] gradient = Arrays.copyOf(scope.gradient(pixels).floats(), length);
      replay.reference().gradient("grad_pixel_values_image0", gradient, shape);
    }
  }

  /** {@code sum(hidden * cotangent) + sum over the maps of sum(map^2)}, [1]. */
  private static Block loss(List<Value> values) {
    return Graph.block(
        "convnext fixture loss",
        g -> {
          Tensor hidden = g.input("hidden", Shape.of(values.get(0).shape()));
          Tensor cotangent = g.input("cotangent", Shape.of(values.get(1).shape()));
          Tensor sum = hidden.times(cotangent).sum(false, 0, 1, 2);
          for (Value map : values.subList(2, values.size())) {
            Tensor m = g.input("map", Shape.of(map.shape()));
            sum = sum.plus(m.times(m).sum(false, 0, 1, 2, 3));
          }
          return List.of(sum.reshape(1));
        });
  }
}
