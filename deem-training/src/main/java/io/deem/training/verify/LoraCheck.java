package io.deem.training.verify;

import com.google.gson.JsonElement;
import io.deem.graph.Block;
import io.deem.graph.Dim;
import io.deem.graph.Engine;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Shape;
import io.deem.graph.TrainingScope;
import io.deem.graph.Value;
import io.deem.lora.AdaptedWeights;
import io.deem.lora.LowRankAdaptation;
import io.deem.nn.Linear;
import io.deem.torch.TorchEngine;
import io.deem.torch.TorchSession;
import io.deem.verify.Fixture;
import io.deem.verify.FixtureCheck;
import io.deem.verify.Reference;
import io.deem.verify.Report;
import io.deem.verify.Sizes;
import io.deem.weights.OverlaidTensors;
import io.deem.weights.TensorSource;
import java.util.List;

/**
 * A linear layer with low-rank adapters: what it computes, every gradient, and the merged weight.
 */
public final class LoraCheck implements FixtureCheck {

  private static final String LAYER = "layer";

  /** Made by ServiceLoader. */
  public LoraCheck() {}

  @Override
  public String kind() {
    return "low-rank adaptation";
  }

  @Override
  public boolean matches(Fixture fixture) {
    JsonElement cases = fixture.config().get("cases");
    return cases != null
        && cases.isJsonObject()
        && !cases.getAsJsonObject().isEmpty()
        && cases.getAsJsonObject().keySet().stream()
            .allMatch(
                name ->
                    fixture.hasAll(name + ".lora_A", name + ".lora_B", name + ".W", name + ".y"));
  }

  @Override
  public boolean runsOn(Engine engine) {
    return engine instanceof TorchEngine;
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    Sizes cases = new Sizes(fixture.config()).section("cases");
    for (String name : cases.names()) {
      run(name + ".", cases.section(name), fixture, TorchEngines.of(engine), report);
    }
  }

  private static void run(
      String name, Sizes sizes, Fixture fixture, TorchEngine engine, Report report) {
    TensorSource io = fixture.io();
    Reference reference = report.against(io, engine.name());
    LowRankAdaptation lora =
        new LowRankAdaptation(sizes.integer("r"), sizes.number("alpha"), 0, LAYER::equals);
    OverlaidTensors base = new OverlaidTensors(io, io.origin());
    add(base, LAYER + ".weight", io, name + "W");
    OverlaidTensors factors = new OverlaidTensors(base, io.origin());
    add(factors, LAYER + LowRankAdaptation.A, io, name + "lora_A");
    add(factors, LAYER + LowRankAdaptation.B, io, name + "lora_B");
    boolean biased = sizes.flag("bias");
    if (biased) {
      add(factors, LAYER + ".bias", io, name + "bias");
    }
    int in = sizes.integer("inp");
    int out = sizes.integer("out");
    Linear layer = biased ? Linear.of(LAYER, in, out) : Linear.withoutBias(LAYER, in, out);
    Shape given = Shape.of(Dim.symbol("rows"), Dim.symbol("length"), in);
    Block block = Graph.block(LAYER, g -> List.of(layer.apply(g.input("x", given))));
    try (TorchSession session = engine.open(factors, lora)) {
      session.trainable(param -> true);
      try (TrainingScope scope = session.trainingScope()) {
        Value x = scope.leaf(io.floats(name + "x"), io.info(name + "x").shape());
        Value y = scope.run1(block, x);
        reference.output(name + "y", y.floats(), y.shape());
        Value cotangent =
            scope.floats(io.floats(name + "grad_y"), io.info(name + "grad_y").shape());
        scope.backward(y, cotangent, false);
        gradient(reference, name + "grad.x", scope.gradient(x));
        gradient(reference, name + "grad.W", scope.gradient(LAYER + ".weight"));
        gradient(reference, name + "grad.lora_A", scope.gradient(LAYER + LowRankAdaptation.A));
        gradient(reference, name + "grad.lora_B", scope.gradient(LAYER + LowRankAdaptation.B));
        if (biased) {
          gradient(reference, name + "grad.bias", scope.gradient(LAYER + ".bias"));
        }
      }
    }
    Param weight = layer.weight();
    float[] merged = AdaptedWeights.merged(base, factors, lora).floats(weight.name());
    reference.output(name + "merged", merged, weight.shape().extents());
  }

  private static void add(OverlaidTensors to, String as, TensorSource io, String name) {
    to.with(as, io.info(name).shape(), () -> io.floats(name));
  }

  private static void gradient(Reference reference, String name, Value gradient) {
    reference.gradient(name, gradient.floats(), gradient.shape());
  }
}
