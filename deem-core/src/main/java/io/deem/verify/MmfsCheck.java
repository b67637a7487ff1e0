package io.deem.verify;

import io.deem.graph.Block;
import io.deem.graph.DataType;
import io.deem.graph.Dim;
import io.deem.graph.Engine;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Tensor;
import io.deem.graph.TrainingScope;
import io.deem.graph.TrainingSession;
import io.deem.graph.Value;
import io.deem.model.MultiScaleSynchronizer;
import io.deem.weights.TensorInfo;
import io.deem.weights.TensorSource;
import java.util.ArrayList;
import java.util.List;

/** Checks {@link MultiScaleSynchronizer}: outputs and all gradients, for masks of every form. */
final class MmfsCheck implements FixtureCheck {

  private static final Dim BATCH = Dim.symbol("batch");
  private static final Dim IMAGES = Dim.symbol("images");
  private static final Dim QUERIES = Dim.symbol("queries");

  @Override
  public String kind() {
    return "multi-scale synchronizer";
  }

  @Override
  public boolean matches(Fixture fixture) {
    return fixture.hasAll("input_flatten", "reference_points", "scale_ratios")
        && fixture.model().map(m -> m.contains("sampling_offsets.weight")).orElse(false);
  }

  @Override
  public void run(Fixture fixture, Engine engine, Report report) {
    MultiScaleSynchronizer layer =
        new MultiScaleSynchronizer(config(new Sizes(fixture.config())), "");
    TensorSource io = fixture.io();
    Reference reference = report.against(io, engine.name());
    List<int[]> sizes = sizes(io, layer.config().levels());
    layout(layer.config(), sizes, io, reference);
    try (Session session = engine.open(fixture.weights())) {
      boolean gradients = session instanceof TrainingSession;
      if (gradients) {
        ((TrainingSession) session).trainable(name -> true);
      }
      for (String name : io.names()) {
        if (!name.endsWith("/attention_mask")) {
          continue;
        }
        String prefix = name.substring(0, name.lastIndexOf('/') + 1);
        Block block = block(layer, sizes, io, io.info(name));
        if (gradients && io.contains(prefix + "grad_query")) {
          backward(layer, block, (TrainingSession) session, io, prefix, reference);
        } else {
          try (Scope scope = session.scope()) {
            output(scope, block, inputs(scope, io, prefix), prefix, reference);
          }
        }
      }
    }
  }

  private static MultiScaleSynchronizer.Config config(Sizes sizes) {
    return new MultiScaleSynchronizer.Config(
        sizes.integer("d_query"),
        sizes.integer("d_value"),
        sizes.integer("d_out"),
        sizes.integer("d_model"),
        sizes.number("ratio"),
        sizes.integer("n_heads"),
        sizes.integer("n_points"),
        sizes.integer("max_num_image_per_seq"),
        sizes.integer("base_spatial_shape"),
        sizes.integers("spatial_shapes"));
  }

  private static List<int[]> sizes(TensorSource io, int levels) {
    long[] stored = io.longs("spatial_shapes");
    List<int[]> sizes = new ArrayList<>();
    for (int level = 0; level < levels; level++) {
      sizes.add(new int[] {(int) stored[2 * level], (int) stored[2 * level + 1]});
    }
    return sizes;
  }

  /**
   * Where levels start and how their pixels relate to the base: what the layer's caller has to
   * know.
   */
  private static void layout(
      MultiScaleSynchronizer.Config config,
      List<int[]> sizes,
      TensorSource io,
      Reference reference) {
    int maps = (int) io.info("level_start_index").shape()[0];
    long[] starts = new long[maps];
    for (int i = 1; i < maps; i++) {
      int[] size = sizes.get((i - 1) % sizes.size());
      starts[i] = starts[i - 1] + (long) size[0] * size[1];
    }
    reference.ids("level_start_index", starts, maps);
    float[] scales = new float[config.levels()];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = (float) config.spatialShapes().get(i) / config.baseSize();
    }
    reference.output("scale_ratios", scales, scales.length);
  }

  private static Block block(
      MultiScaleSynchronizer layer, List<int[]> sizes, TensorSource io, TensorInfo mask) {
    long[] points = io.info("reference_points").shape();
    long pixels = io.info("input_flatten").shape()[2];
    long queries = io.info("query").shape()[1];
    Dim rows = mask.shape()[1] == queries ? QUERIES : Dim.symbol("rows");
    return Graph.block(
        "synchronizer",
        g -> {
          Tensor query = g.input("query", Shape.of(BATCH, QUERIES, layer.config().queryWidth()));
          Tensor reference =
              g.input(
                  "reference points",
                  Shape.of(
                      points[0] == 1 ? Dim.of(1) : BATCH,
                      points[1] == 1 ? Dim.of(1) : QUERIES,
                      1,
                      2));
          Tensor values =
              g.input("values", Shape.of(BATCH, IMAGES, pixels, layer.config().valueWidth()));
          boolean perQuery = mask.shape().length == 3;
          Tensor visible =
              g.input(
                  "mask",
                  perQuery ? Shape.of(BATCH, rows, IMAGES) : Shape.of(BATCH, IMAGES),
                  mask.type().isFloating() ? DataType.FLOAT : DataType.INT64);
          return List.of(layer.apply(query, reference, values, sizes, visible));
        });
  }

  private static List<Value> inputs(Scope scope, TensorSource io, String prefix) {
    List<Value> inputs = new ArrayList<>();
    for (String name : List.of("query", "reference_points", "input_flatten")) {
      float[] values = io.floats(name);
      long[] shape = io.info(name).shape();
      inputs.add(
          scope instanceof TrainingScope training
              ? training.leaf(values, shape)
              : scope.floats(values, shape));
    }
    String mask = prefix + "attention_mask";
    long[] shape = io.info(mask).shape();
    inputs.add(
        io.info(mask).type().isFloating()
            ? scope.floats(io.floats(mask), shape)
            : scope.longs(io.longs(mask), shape));
    return inputs;
  }

  private static Value output(
      Scope scope, Block block, List<Value> inputs, String prefix, Reference reference) {
    Value output = scope.run(block, inputs).get(0);
    reference.output(prefix + "output", output.floats(), output.shape());
    return output;
  }

  private static void backward(
      MultiScaleSynchronizer layer,
      Block block,
      TrainingSession session,
      TensorSource io,
      String prefix,
      Reference reference) {
    session.clearGradients();
    try (TrainingScope scope = session.trainingScope()) {
      List<Value> inputs = inputs(scope, io, prefix);
      Value output = output(scope, block, inputs, prefix, reference);
      scope.backward(output, scope.floats(io.floats(prefix + "cotangent"), output.shape()), false);
      List<String> names = List.of("query", "reference_points", "input_flatten");
      for (int i = 0; i < names.size(); i++) {
        Value gradient = scope.gradient(inputs.get(i));
        reference.gradient(
            prefix + "grad_" + names.get(i), gradient.floats(), inputs.get(i).shape());
      }
      for (Param param : layer.params()) {
        Value gradient = scope.gradient(param.name());
        reference.gradient(
            prefix + "grad." + param.name(), gradient.floats(), param.shape().extents());
      }
    }
  }
}
