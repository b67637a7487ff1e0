package io.deem.bench;

import io.deem.graph.Block;
import io.deem.graph.Graph;
import io.deem.graph.Param;
import io.deem.graph.Scope;
import io.deem.graph.Session;
import io.deem.graph.Shape;
import io.deem.graph.Value;
import io.deem.torch.Precision;
import io.deem.torch.TorchEngine;
import io.deem.weights.ElementType;
import io.deem.weights.ModelWeights;
import io.deem.weights.SafetensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The product as our own compiler gives it to libtorch: a linear layer without bias. */
final class TorchProduct implements MatrixProduct.Product {
  private static final String WEIGHT = "weight";

  private final ModelWeights weights;
  private final Session session;
  private final Scope scope;
  private final Block block;
  private final Value input;

  TorchProduct(float[] left, float[] right, int side, boolean bfloat16) {
    weights = store(right, side);
    Param weight = Param.of(WEIGHT, side, side);
    block =
        Graph.block(
            "product",
            graph ->
                List.of(graph.input("x", Shape.of(side, side)).linear(graph.param(weight), null)));
    session = new TorchEngine(bfloat16 ? Precision.BF16 : Precision.FP32).open(weights);
    scope = session.scope();
    input = scope.floats(left, side, side);
  }

  private static ModelWeights store(float[] values, int side) {
    try {
      Path file = Files.createTempFile("deem-bench", ".safetensors");
      try {
        new SafetensorsWriter()
            .floats(WEIGHT, ElementType.F32, new long[] {side, side}, () -> values)
            .write(file);
        // The map stays when the name goes.
        return ModelWeights.open(file);
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void run() {
    try (Scope once = scope.child()) {
      once.run1(block, input);
    }
  }

  @Override
  public void close() {
    scope.close();
    session.close();
    weights.close();
  }
}
