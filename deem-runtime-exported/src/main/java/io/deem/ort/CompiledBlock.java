package io.deem.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.deem.graph.Block;
import io.deem.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A block in ONNX Runtime. */
final class CompiledBlock {

  private final Block block;
  private final OrtSession session;
  private final Set<String> newResults = new LinkedHashSet<>();

  /** For each result the input whose memory it takes over, else -1. */
  private final int[] overwritten;

  /** Shapes that the block has accepted. Text is written in one shape for many tokens. */
  private volatile List<long[]> accepted;

  CompiledBlock(Block block, OrtSession session) {
    this.block = block;
    this.session = session;
    overwritten = new int[block.outputs().size()];
    for (int i = 0; i < overwritten.length; i++) {
      overwritten[i] = overwrittenInput(block, block.outputs().get(i));
      if (overwritten[i] < 0) {
        newResults.add(OnnxModel.output(i));
      }
    }
  }

  private static int overwrittenInput(Block block, Tensor result) {
    return OnnxModel.isOverwriting(result) ? block.inputs().indexOf(result.operands().get(0)) : -1;
  }

  /**
   * Runs it.
   *
   * @return a value for each result; those in the memory of an input share it
   */
  List<OnnxValue> run(List<OnnxValue> inputs) throws OrtException {
    check(inputs);
    Map<String, OnnxTensor> arguments = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      arguments.put(OnnxModel.input(i), inputs.get(i).tensor);
    }
    Map<String, OnnxTensor> pinned = new HashMap<>();
    for (int i = 0; i < overwritten.length; i++) {
      if (overwritten[i] >= 0) {
        pinned.put(OnnxModel.output(i), inputs.get(overwritten[i]).tensor);
      }
    }
    // Closing the result would close its tensors, which are the caller's now.
    OrtSession.Result result = session.run(arguments, newResults, pinned);
    List<OnnxValue> results = new ArrayList<>(overwritten.length);
    for (int i = 0; i < overwritten.length; i++) {
      results.add(
          overwritten[i] >= 0
              ? inputs.get(overwritten[i]).shared()
              : new OnnxValue((OnnxTensor) result.get(OnnxModel.output(i)).get(), null));
    }
    return results;
  }

  private void check(List<OnnxValue> inputs) {
    List<long[]> shapes = new ArrayList<>(inputs.size());
    for (OnnxValue input : inputs) {
      shapes.add(input.tensor.getInfo().getShape());
    }
    List<long[]> known = accepted;
    boolean same = known != null && known.size() == shapes.size();
    for (int i = 0; same && i < shapes.size(); i++) {
      same = Arrays.equals(known.get(i), shapes.get(i));
    }
    if (!same) {
      block.bind(shapes);
      accepted = shapes;
    }
  }

  /** Always true. */
  boolean close() {
    try {
      session.close();
      return true;
    } catch (OrtException e) {
      throw new IllegalStateException(
          "ONNX Runtime does not free the block " + block.name() + ": " + e.getMessage(), e);
    }
  }
}
