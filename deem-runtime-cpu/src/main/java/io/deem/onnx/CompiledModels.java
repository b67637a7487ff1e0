package io.deem.onnx;

import io.deem.graph.Block;
import io.deem.graph.Param;
import io.deem.ort.BlockModels;
import io.deem.ort.OnnxModel;
import io.deem.weights.TensorSource;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Blocks that are compiled when they first run. */
final class CompiledModels implements BlockModels {

  private final LinearWeights linear;
  private final Set<String> changed = ConcurrentHashMap.newKeySet();
  private volatile TensorSource weights;

  /** Takes over which matrices are quantised; the weights stay open as long. */
  CompiledModels(TensorSource weights, LinearWeights linear) {
    this.weights = weights;
    this.linear = linear;
  }

  @Override
  public OnnxModel of(Block block) {
    LinearWeights unchanged =
        param -> changed.contains(param.name()) ? Optional.empty() : linear.quantized(param);
    return OnnxCompiler.compile(block, weights, unchanged);
  }

  /** Matrices that were quantised are computed in 32 bits once they have changed. */
  @Override
  public void change(TensorSource now, Collection<Param> params) {
    params.forEach(param -> changed.add(param.name()));
    weights = now;
  }

  @Override
  public void close() {
    linear.close();
  }
}
